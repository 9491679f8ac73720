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
  requiredList,
  text,
} from "./dsl.ts";
import { execReportBounds } from "./node-exec-report.ts";
import { conditions } from "./status.ts";

/** How much one proposal may have. */
export const execProposalBounds = { executables: 500, workloads: 5 } as const;

const { pathLength: maxLength, parents } = execReportBounds;
const atomic = { "x-kubernetes-list-type": "atomic" } as const;
const count = (description: string) => int32({ minimum: 0, description });

const executable = object({
  path: text({ maxLength }),
  fromImage: flag({ description: "Wherever it ran it came from the image; absent: unknown." }),
  parents: list(text({ maxLength }), { maxItems: parents, ...atomic }),
  workloads: requiredList(text({ maxLength: 600 }), {
    ...{ maxItems: execProposalBounds.workloads, ...atomic },
    description: "KIND/NAME or NAMESPACE/KIND/NAME of those where it ran, the first ones.",
  }),
  nodes: int32({ minimum: 0, description: "That report it now." }),
  count: int32({ minimum: 0, description: "At least so often, over those nodes." }),
  denied: flag({ description: "At least once it was stopped." }),
});

const coverage = object({
  pods: count("In scope of the policy, on nodes that report."),
  sinceStart: count("Of those, started after the policy was in force."),
  restarts: count("Containers that started since then, beyond one a pod."),
  since: optional(dateTime({ description: "When the first node began to learn." })),
  summary: text({ description: "sinceStart/pods, such as 3/3." }),
});

/**
 * What a policy with `learn` does not name and ran, or was to: written by the operator, named after
 * the policy and owned by it. Nothing of it is in force until somebody accepts it into the policy.
 */
export const execProposal = object({
  executables: atomicList(executable, {
    maxItems: execProposalBounds.executables,
    description: "Sorted by path.",
  }),
  omitted: optional(
    int32({ minimum: 1, description: "At least so many execs of others, for which is no room." }),
  ),
  coverage,
  status: optional(object({ conditions })),
});

export type ExecProposal = Immutable<Static<typeof execProposal>>;
export type ProposedExecutable = ExecProposal["executables"][number];
export type ProposalCoverage = ExecProposal["coverage"];
