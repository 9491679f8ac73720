import type { Static } from "typebox";
import { type Action, action } from "./actions/index.ts";
import { type Arg, type ArgType, arg } from "./args/index.ts";
import { type Condition, condition } from "./conditions/index.ts";
import { type HookPoint, hookPoint } from "./hook-point.ts";
import { returned, returnedCondition } from "./returned.ts";
import {
  atomicList,
  bool,
  flag,
  type Immutable,
  int32,
  literal,
  object,
  oneOf,
  optional,
  text,
} from "./schema/dsl.ts";
import { labelSelector } from "./schema/label-selector.ts";
import { policyKindNames } from "./schema/policy-kind-names.ts";

const scope = object({
  /** Processes that belong to no pod. */
  host: bool(),
  /** undefined: no pod at all. An empty object: every pod, also before its labels are known. */
  pods: optional(
    object({
      /** undefined: pods of every namespace. */
      namespaces: optional(atomicList(text())),
      /** Over pod labels plus `k8s:io.kubernetes.pod.namespace`. */
      labels: labelSelector,
      /** Over the container's `name` and `repo` (any name of its image's repository). */
      containers: labelSelector,
      /** Also in pods and containers that are not known yet, and may be such. */
      unknown: optional(literal("Deny")),
    }),
  ),
});

/**
 * The SelectorSet: the one intermediate form that every policy kind lowers to (DESIGN §6). The
 * agent, the oracle (`decide/`) and the CLI read only this. Nothing in it depends on a kernel. This
 * is its one grammar: the types below, the CRD (`schema/selector-set.ts`) and what an agent takes
 * from an operator of another version (`parse-sets.ts`) come from it.
 */
const selector = object({
  conditions: atomicList(condition),
  /** What only seems to meet them, and may be something else, does not match. */
  surely: flag(),
  /** It matches there only, and where the set holds; absent: wherever that does. */
  workloads: optional(scope),
  /** In order. Empty means Post. */
  actions: atomicList(action),
  /** Which the returned value must meet for the call to be reported; absent: all do. */
  returned: optional(atomicList(returnedCondition)),
  /** Of a call that has returned so, in order; absent: none. */
  returnActions: optional(atomicList(action)),
});

const hook = object({
  on: hookPoint,
  /** In the order of the policy; conditions and actions refer to positions in this list. */
  args: atomicList(arg),
  selectors: atomicList(selector),
  /** Present: a call is reported when it has returned, with what it returned. */
  returned: optional(returned),
  /** A node without what it is on goes on without it, and says so. */
  mayBeMissing: optional(bool()),
  message: optional(text()),
  tags: optional(atomicList(text())),
});

/** `namespace` is present only for namespaced kinds. */
const policyRef = object({
  kind: oneOf(policyKindNames),
  namespace: optional(text()),
  name: text(),
});

const mode = oneOf(["enforce", "monitor"]);
const position = () => int32({ minimum: 0 });

export const selectorSet = object({
  policy: policyRef,
  mode,
  /** Nodes the policy wants; undefined: every node. Matched by the operator, never by an agent. */
  nodes: labelSelector,
  scope,
  /**
   * Present: nodes collect what no rule names. Positions of the hook, and in it of the selectors: of what
   * comes from the container's image for sure, and of the rest.
   */
  learn: optional(object({ hook: position(), others: position(), fromImage: position() })),
  hooks: atomicList(hook),
});

export type SelectorSet = Immutable<Static<typeof selectorSet>>;

/** Identity of a policy object. */
export type PolicyRef = Immutable<Static<typeof policyRef>>;
export type PolicyKind = PolicyRef["kind"];

/** What was asked for: `monitor` reports what `enforce` would also have blocked or killed. */
export type Mode = Static<typeof mode>;

/** A Kubernetes label selector; terms are ANDed, an empty one matches everything. */
export type LabelSelector = Immutable<Static<typeof labelSelector>>;

/** Which processes a set holds for: host processes, containers of selected pods, or both. */
export type Scope = Immutable<Static<typeof scope>>;

/**
 * One attach point as one policy uses it. Without selectors every call is reported. In a policy that
 * follows descriptors, an argument of a type that asks for followed ones (`fd`) makes the hook act
 * only for those; so does an action that ends following, for the descriptor that it names.
 */
export type Hook = Immutable<Static<typeof hook>>;

/** Conditions are ANDed; the first selector of a hook that matches wins; none: always matches. */
export type Selector = Immutable<Static<typeof selector>>;

export type { Action, Arg, ArgType, Condition, HookPoint };

/** How large a set is. */
export type SetSize = {
  readonly hooks: number;
  /** A hook without selectors counts as one. */
  readonly selectors: number;
  /** What its conditions list, all together. */
  readonly values: number;
};

/** Counts what is in a set. */
export function sizeOf({ hooks }: Pick<SelectorSet, "hooks">): SetSize {
  const selectors = hooks.flatMap((hook) => hook.selectors);
  const conditions = selectors.flatMap((selector) => selector.conditions);
  return {
    hooks: hooks.length,
    selectors: hooks.reduce((count, hook) => count + Math.max(hook.selectors.length, 1), 0),
    values: [...conditions, ...selectors.flatMap((selector) => selector.returned ?? [])].reduce(
      (count, one) => count + ("values" in one ? one.values.length : 0),
      0,
    ),
  };
}
