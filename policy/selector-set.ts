import type { Action } from "./actions/index.ts";
import type { Arg, ArgType } from "./args/index.ts";
import type { Condition } from "./conditions/index.ts";

/**
 * The SelectorSet: the one intermediate form that every policy kind lowers to (DESIGN §6).
 * The agent, the oracle (`decide/`) and the CLI read only this. Nothing in it depends on a kernel.
 */
export type SelectorSet = {
  readonly policy: PolicyRef;
  readonly mode: Mode;
  /** Nodes the policy wants; undefined: every node. Matched by the operator, never by an agent. */
  readonly nodes?: LabelSelector;
  readonly scope: Scope;
  readonly hooks: readonly Hook[];
};

/** Identity of a policy object. `namespace` is present only for namespaced kinds. */
export type PolicyRef = {
  readonly kind: PolicyKind;
  readonly namespace?: string;
  readonly name: string;
};
export type PolicyKind =
  | "TracingPolicy"
  | "TracingPolicyNamespaced"
  | "ExecPolicy"
  | "ExecPolicyNamespaced";

/** What was asked for: `monitor` reports what `enforce` would also have blocked or killed. */
export type Mode = "enforce" | "monitor";

/** A Kubernetes label selector; terms are ANDed, an empty one matches everything. */
export type LabelSelector = {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
    readonly values?: readonly string[];
  }[];
};

/** Which processes a set holds for: host processes, containers of selected pods, or both. */
export type Scope = {
  /** Processes that belong to no pod. */
  readonly host: boolean;
  /** undefined: no pod at all. An empty object: every pod, also before its labels are known. */
  readonly pods?: {
    /** undefined: pods of every namespace. */
    readonly namespaces?: readonly string[];
    /** Over pod labels plus `k8s:io.kubernetes.pod.namespace`. */
    readonly labels?: LabelSelector;
    /** Over the container's `name` and `repo` (any name of its image's repository). */
    readonly containers?: LabelSelector;
  };
};

/**
 * One attach point as one policy uses it. Without selectors every call is reported. In a policy that
 * follows descriptors (that has a FollowFD), an argument of type `fd` makes the hook act only for a
 * descriptor it follows; so does an action UnfollowFD or CopyFD for the descriptor that it names.
 */
export type Hook = {
  readonly on: HookPoint;
  /** In the order of the policy; conditions and actions refer to positions in this list. */
  readonly args: readonly Arg[];
  readonly selectors: readonly Selector[];
  readonly message?: string;
  readonly tags?: readonly string[];
};

export type HookPoint =
  /** A kernel function, or with `syscall` a system call by its portable name (`sys_write`). */
  | { readonly kind: "kprobe"; readonly call: string; readonly syscall: boolean }
  /** Each successful execve, after the new credentials are in force, before its first instruction. */
  | { readonly kind: "exec" };

export type { Arg, ArgType };

/** Conditions are ANDed; the first selector of a hook that matches wins; none: always matches. */
export type Selector = {
  readonly conditions: readonly Condition[];
  /** In order. Empty means Post. */
  readonly actions: readonly Action[];
};

export type { Action, Condition };

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
    values: conditions.reduce((count, { values }) => count + values.length, 0),
  };
}
