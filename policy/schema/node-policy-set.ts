import type { Static } from "typebox";
import {
  dateTime,
  flag,
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

const spec = object({
  sets: requiredList(text(), {
    "x-kubernetes-list-type": "atomic",
    description: "Names of the SelectorSets that apply to this node, sorted.",
  }),
  removal: optional(
    flag({ description: "The agent is to leave nothing on this node when it ends." }),
  ),
});

/** Why a set is not programmed: of those that failed, then of those that are pending. */
export const exceptionReasons = [
  ...([
    "KernelLacks",
    "HookNotFound",
    "LoadFailed",
    "LimitExceeded",
    "NoRoom",
    "NotAllowed",
  ] as const),
  ...(["CgroupNotFound", "CgroupNotAssigned", "FilesNotFollowed", "FilesNotHooked"] as const),
  ...(["CallsMissed", "Tampered", "ChangedOnNode"] as const),
  ...(["NotFound", "Programming"] as const),
] as const;
export type ExceptionReason = (typeof exceptionReasons)[number];

/** One set that is not programmed. */
const exception = object({
  set: text(),
  hash: text({ description: "Which content of the set was tried." }),
  state: oneOf(["failed", "pending"]),
  reason: text({ description: `${exceptionReasons.join(", ")}; newer agents may have more.` }),
  message: text(),
  holds: optional(text({ description: "Which content of it is in force instead." })),
  attachments: list(text(), {
    "x-kubernetes-list-type": "atomic",
    description: "How its hooks are attached, where that says more.",
  }),
});

const count = () => int32({ minimum: 0 });

/** What one content of a set stopped; each at least so many, as the kernel counts. */
const stopped = object({
  set: text(),
  hash: text({ description: "Which content of the set." }),
  count: int32({
    minimum: 0,
    description: "Calls that it stopped, or in monitor mode would have stopped.",
  }),
  ofProtected: optional(
    int32({ minimum: 1, description: "Calls of the node's own services, which it let go." }),
  ),
});

const lost = object({
  cause: text(),
  count: int32({ minimum: 1 }),
  pods: list(text(), {
    maxItems: 5,
    "x-kubernetes-list-type": "atomic",
    description: "Of the pods that had used up their share, namespace/name of the first five.",
  }),
});

const status = object({
  observedGeneration: optional(int64({ minimum: 0 })),
  digest: optional(
    text({ description: "One value for all that is programmed, by name and hash." }),
  ),
  sets: optional(object({ programmed: count(), failed: count(), pending: count() })),
  exceptions: list(exception, { maxItems: 50, "x-kubernetes-list-type": "atomic" }),
  exceptionsOmitted: optional(count()),
  stops: list(stopped, {
    maxItems: 50,
    "x-kubernetes-list-type": "atomic",
    description: "Of sets with countStops that matched a call which they are to stop.",
  }),
  stopsOmitted: optional(count()),
  latePods: optional(
    int32({
      minimum: 1,
      description: "Pods that came while no agent ran, and until it did were in pods not known.",
    }),
  ),
  late: list(object({ set: text(), pods: int32({ minimum: 1 }) }), {
    maxItems: 50,
    "x-kubernetes-list-type": "atomic",
    description: "Sets that hold in some of those, and did not from their first instruction.",
  }),
  tampered: optional(
    object({
      count: int32({
        minimum: 1,
        description:
          "At least so often, since its agent runs, something of Guardbee's in the kernel was found changed or removed.",
      }),
      lastTime: dateTime({ description: "When last, to the minute." }),
    }),
  ),
  moved: optional(
    int32({
      minimum: 1,
      description:
        "At least so many processes were taken out of their pods' cgroups, where the policies of their pods hold for them no more.",
    }),
  ),
  movesUnseen: optional(
    text({ description: "Why its agent cannot notice that: what its kernel said." }),
  ),
  losses: list(lost, {
    maxItems: 50,
    "x-kubernetes-list-type": "atomic",
    description:
      "What its kernel's rings and maps had no room for, at least so often since they were made.",
  }),
  kernel: optional(
    object({
      release: text(),
      arch: text(),
      features: requiredList(text(), {
        "x-kubernetes-list-type": "atomic",
        description: "What this kernel can do, sorted.",
      }),
    }),
  ),
  agentVersion: optional(text()),
});

/** Named after its node and owned by it: spec by the operator, status by that node's agent. */
export const nodePolicySet = object({ spec, status: optional(status) });

export type NodePolicySetStatus = Immutable<Static<typeof status>>;
