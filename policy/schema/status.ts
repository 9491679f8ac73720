import type { Static } from "typebox";
import {
  dateTime,
  type Immutable,
  int32,
  int64,
  list,
  object,
  oneOf,
  optional,
  requiredList,
  text,
} from "./dsl.ts";

/** Condition types of a policy. Their reasons: operator/status/conditions.ts, docs/concepts/status.md. */
export const conditionTypes = [
  ...(["Accepted", "ResolvedRefs", "Programmed", "Enforcing", "Ready"] as const),
  ...(["Stalled", "Reconciling"] as const),
] as const;
export type ConditionType = (typeof conditionTypes)[number];

/** Kubernetes' metav1.Condition. */
const condition = object({
  type: text({ maxLength: 316, description: "Accepted, ResolvedRefs, Programmed, Ready..." }),
  status: oneOf(["True", "False", "Unknown"]),
  observedGeneration: optional(int64({ minimum: 0 })),
  lastTransitionTime: dateTime(),
  reason: text({ minLength: 1, maxLength: 1024 }),
  message: text({ maxLength: 32768 }),
});

export const conditions = list(condition, {
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["type"],
});

/** Of `status.rollout.state`. */
export const rolloutStates = ["Progressing", "Paused", "Halted", "Undone"] as const;

const nodeCount = () => optional(int32({ minimum: 0 }));

const failureGroup = object({
  reason: text(),
  message: text(),
  kernel: text({ description: "Kernel release of these nodes." }),
  arch: text(),
  count: int32({ minimum: 1, description: "How many nodes." }),
  nodes: requiredList(text(), { maxItems: 5, description: "Some of them, sorted." }),
});

/** What every new policy says until the operator has seen it; the date is the one Gateway API uses. */
const pending = {
  conditions: [
    {
      type: "Ready",
      status: "Unknown",
      reason: "Pending",
      message: "waiting for the operator",
      lastTransitionTime: "1970-01-01T00:00:00Z",
    },
  ],
};

const mode = () => optional(oneOf(["enforce", "monitor"]));

export const policyStatus = optional(
  object(
    {
      observedGeneration: optional(int64({ minimum: 0 })),
      conditions,
      mode: optional(
        object({
          requested: mode(),
          observed: optional(
            oneOf(["enforce", "monitor", "mixed", "none"], {
              description: "What nodes really do; mixed: not all the same; none: no node.",
            }),
          ),
        }),
      ),
      nodes: optional(
        object({
          desired: nodeCount(),
          programmed: nodeCount(),
          failed: nodeCount(),
          pending: nodeCount(),
          waiting: optional(
            int32({
              minimum: 0,
              description: "For their wave of a roll-out; as before till then.",
            }),
          ),
          unreachable: nodeCount(),
          summary: optional(text({ description: "programmed/desired, such as 4987/5000." })),
        }),
      ),
      rego: optional(
        object({
          revision: optional(text({ description: "Of the bundle, as its manifest says." })),
          digest: optional(text({ description: "Of the Rego and data in force." })),
          result: optional(
            text({ description: "Digest of the policies in force that it generated." }),
          ),
          rules: optional(
            int32({ minimum: 0, description: "Selectors over all policies it generates." }),
          ),
          policies: optional(int32({ minimum: 0 })),
          inputsChangedAt: optional(text({ description: "When its result last changed." })),
          held: optional(
            text({ description: "Digest of a result that is held back, to be acknowledged." }),
          ),
        }),
      ),
      guardRails: list(
        object({
          name: text({ description: "RegoPolicy, or builtin/NAME." }),
          effect: oneOf(["refused", "changed", "warned"]),
          message: text({ maxLength: 1024 }),
        }),
        { maxItems: 20, "x-kubernetes-list-type": "atomic" },
      ),
      rollout: optional(
        object(
          {
            state: oneOf(rolloutStates),
            wave: int32({ minimum: 0, description: "Counts from 1; 0: undone." }),
            waves: int32({ minimum: 1 }),
            stops: optional(
              int32({ minimum: 0, description: "At least so many calls it stopped so far." }),
            ),
          },
          { description: "While some of its nodes are not to hold this generation yet." },
        ),
      ),
      trial: optional(
        object(
          {
            state: oneOf(["Monitoring", "Held"]),
            hash: text({ description: "Of what is tried." }),
            since: dateTime(),
            wouldStop: int32({ minimum: 0, description: "At least so many calls." }),
            nodes: list(text(), {
              maxItems: 5,
              "x-kubernetes-list-type": "atomic",
              description: "Some of those where it would have stopped something, sorted.",
            }),
          },
          { description: "While it is to show in monitor mode that it would stop nothing." },
        ),
      ),
      failures: list(failureGroup, { maxItems: 10, "x-kubernetes-list-type": "atomic" }),
    },
    { default: pending },
  ),
);

export type Condition = Immutable<Static<typeof condition>>;
export type PolicyStatus = Immutable<Static<typeof policyStatus>>;
export type RolloutStatus = NonNullable<PolicyStatus["rollout"]>;
export type TrialStatus = NonNullable<PolicyStatus["trial"]>;
