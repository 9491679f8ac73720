import { isProposable, setName } from "@guardbee/policy/sets";
import { type AgentEvent, argsOf, type HookEvent } from "../events/event.ts";
import { enums } from "../gen/layout.ts";
import type { PodContainer } from "../scope/pod-container.ts";

/** What a report calls those who ran something: a Deployment of a namespace, or the node itself. */
export type WorkloadRef = {
  /** Absent: the node itself. */
  readonly namespace?: string;
  readonly kind: string;
  readonly name: string;
};

/** An exec that no rule of a policy named. */
export type Observation = {
  /** Name of the policy's SelectorSet. */
  readonly set: string;
  readonly workload: WorkloadRef;
  /** undefined: a file that no rule can name, such as one without a name. */
  readonly path: string | undefined;
  /** What the process ran that made the exec; undefined: unknown, or of no name. */
  readonly parent: string | undefined;
  /** It is surely as the container's image has it. */
  readonly fromImage: boolean;
  readonly denied: boolean;
};

/**
 * The same of a process that began on the node: whose it is its cgroup tells. A container's runtime is in
 * that of the container when it runs the container's program.
 */
export type Unplaced = Omit<Observation, "workload"> & { readonly cgroupId: bigint };

/** What runs on the node in no pod. */
export const nodeItself: WorkloadRef = { kind: "Host", name: "host" };

const { HOOK_STOPPED } = enums.hook_flag;

/** What the event tells of; undefined: it is no such exec, or nobody knows whose it was. */
export function observationOf(event: AgentEvent): Observation | Unplaced | undefined {
  if (event.kind !== "hook" || event.hook.learns === undefined) return undefined;
  const { others, fromImage } = event.hook.learns;
  const { selector } = event.record;
  if (selector !== others && selector !== fromImage) return undefined;
  const parent = event.process?.image.binary ?? "";
  const seen = {
    set: setName(event.hook.policy),
    path: pathOf(event),
    parent: isProposable(parent) ? parent : undefined,
    fromImage: selector === fromImage,
    denied: (event.flags & HOOK_STOPPED) !== 0,
  };
  const { process, record } = event;
  if (process?.container !== undefined) {
    return { ...seen, workload: workloadRef(process.container) };
  }
  // In a container whose pod nobody knows it is not the node's.
  return process?.image.docker === "" ? { ...seen, cgroupId: record.cgroupId } : undefined;
}

/** The workload of a container's pod. */
export function workloadRef({ pod }: PodContainer): WorkloadRef {
  const { namespace, workloadKind: kind, workload: name } = pod;
  return { namespace, kind, name };
}

/** Of the file that is executed: a script, and in its turn the interpreter. */
function pathOf(event: HookEvent): string | undefined {
  const file = argsOf(event).find(({ type }) => type === "linux_binprm");
  if (file === undefined || !("path" in file) || typeof file.path !== "string") return undefined;
  const unnamed = ("deleted" in file && file.deleted) || ("cut" in file && file.cut);
  return !unnamed && isProposable(file.path) ? file.path : undefined;
}
