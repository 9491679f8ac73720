import { actionKinds } from "../actions/index.ts";
import { argTypes } from "../args/index.ts";
import { conditionKinds } from "../conditions/index.ts";
import type { SelectorSet } from "../selector-set.ts";
import {
  bool,
  dateTime,
  flag,
  int32,
  list,
  object,
  oneOf,
  optional,
  requiredList,
  tagged,
  text,
} from "./dsl.ts";
import { labelSelector } from "./label-selector.ts";
import { policyKindNames } from "./policy-kind-names.ts";

/**
 * The intermediate form as a schema for the API server. A property test holds it against the type
 * in ../selector-set.ts: whatever fits the type fits this.
 */
const condition = tagged(
  "by",
  Object.values(conditionKinds).map(({ schema }) => schema),
);

const action = tagged(
  "action",
  Object.values(actionKinds).map(({ schema }) => schema),
);

const arg = object({
  index: int32({ minimum: 0, maximum: 4 }),
  type: oneOf(argTypes),
  label: optional(text()),
  sizeArgIndex: optional(int32({ minimum: 1, maximum: 5 })),
  returnCopy: flag(),
});

const atomic = { "x-kubernetes-list-type": "atomic" } as const;

const hook = object({
  on: object({
    kind: oneOf(["kprobe", "exec"]),
    call: optional(text()),
    syscall: flag(),
  }),
  args: requiredList(arg, atomic),
  selectors: requiredList(
    object({ conditions: requiredList(condition, atomic), actions: requiredList(action, atomic) }),
    atomic,
  ),
  message: optional(text()),
  tags: list(text(), atomic),
});

const set = object({
  policy: object({
    kind: oneOf(policyKindNames),
    namespace: optional(text()),
    name: text(),
  }),
  mode: oneOf(["enforce", "monitor"]),
  nodes: labelSelector,
  scope: object({
    host: bool(),
    pods: optional(
      object({
        namespaces: list(text(), atomic),
        labels: labelSelector,
        containers: labelSelector,
      }),
    ),
  }),
  hooks: requiredList(hook, atomic),
});

const hash = text({ description: "SHA-256 of sets, in hex." });
const sets = requiredList(set, {
  ...atomic,
  description: "One; of a RegoPolicy, one a generated policy.",
});

export const selectorSetSpec = object({
  hash,
  sets,
  countStops: flag({ description: "Nodes report how many calls sets stop, or would stop." }),
  rollout: optional(
    object(
      {
        wave: int32({ minimum: 0, description: "Counts from 0." }),
        startedAt: dateTime({ description: "When this wave began." }),
        share: int32({
          minimum: 0,
          description: "Nodes whose position is below it hold sets, the others previous.",
        }),
        previous: optional(
          object({ hash, sets }, { description: "Without it the others hold nothing." }),
        ),
      },
      { description: "Present until every node holds sets." },
    ),
  ),
});

/**
 * Written by the operator, one for each policy or RegoPolicy and named after it; owned by it. All
 * sets of one object want the same nodes.
 */
export const selectorSet = object({ spec: selectorSetSpec });

/** What a node may hold: one content of a SelectorSet object. */
export type HashedSets = { readonly hash: string; readonly sets: readonly SelectorSet[] };

export type SelectorSetSpec = HashedSets & {
  readonly countStops?: boolean;
  readonly rollout?: {
    readonly wave: number;
    readonly startedAt: string;
    readonly share: number;
    readonly previous?: HashedSets;
  };
};
