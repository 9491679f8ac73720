import type { Static } from "typebox";
import {
  atomicList,
  dateTime,
  flag,
  type Immutable,
  int32,
  list,
  object,
  optional,
  text,
} from "./dsl.ts";

/** How much one node may say. What is beyond is counted by the agent, and refused by the API server. */
export const execReportBounds = {
  policies: 50,
  workloads: 100,
  /** Of one workload of one policy. */
  executables: 200,
  /** Of one executable: the first that were seen. */
  parents: 5,
  pathLength: 1_024,
} as const;

const { pathLength: maxLength, ...most } = execReportBounds;
const count = () => int32({ minimum: 0 });

const executable = object({
  path: text({ maxLength, description: "As the kernel checked it: the file that was executed." }),
  fromImage: flag({
    description: "It came from the container's image, unchanged; absent: unknown.",
  }),
  parents: list(text({ maxLength }), {
    maxItems: most.parents,
    "x-kubernetes-list-type": "atomic",
    description: "Executables that it was started from, the first that were seen, sorted.",
  }),
  count: int32({ minimum: 1, description: "At least so often, in steps of 1, 2, 5, 10..." }),
  denied: flag({ description: "At least once it was stopped." }),
});

const workload = object({
  namespace: optional(text({ maxLength: 63, description: "Absent: the node itself." })),
  kind: text({ maxLength: 253 }),
  name: text({ maxLength: 253 }),
  pods: optional(int32({ minimum: 0, description: "Of it, on this node now." })),
  sinceStart: optional(
    int32({ minimum: 0, description: "Of those, started after the policy was in force here." }),
  ),
  starts: optional(
    int32({ minimum: 0, description: "Containers that started since then, as many as were seen." }),
  ),
  lastStartTime: optional(dateTime({ description: "When the last of those started." })),
  executables: list(executable, {
    maxItems: most.executables,
    "x-kubernetes-list-type": "atomic",
    description: "What ran, or was to, and no rule names; sorted by path.",
  }),
  omitted: optional(
    int32({ minimum: 1, description: "At least so many execs of others, for which is no room." }),
  ),
});

const policy = object({
  set: text({ maxLength: 253, description: "Name of the policy's SelectorSet." }),
  since: dateTime({ description: "When it came into force on this node, and learned." }),
  workloads: atomicList(workload, { maxItems: most.workloads }),
  workloadsOmitted: optional(count()),
});

/**
 * Named after its node, owned by it, and written by that node's agent alone: what ran there that
 * policies with `learn` do not name.
 */
export const nodeExecReport = object({
  policies: atomicList(policy, { maxItems: most.policies }),
});

export type NodeExecReport = Immutable<Static<typeof nodeExecReport>>;
export type PolicyExecReport = NodeExecReport["policies"][number];
export type WorkloadExecReport = PolicyExecReport["workloads"][number];
export type ReportedExecutable = NonNullable<WorkloadExecReport["executables"]>[number];
