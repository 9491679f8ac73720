import type { HookArg } from "../args/index.ts";
import { enums } from "../gen/layout.ts";
import type { HookInfo } from "../kernel/hook-info.ts";
import type { Image } from "../process/image.ts";
import type { Process } from "../process/process.ts";
import { hookArgs, returnedArg } from "../records/decode.ts";
import { fileHashOf } from "../records/file-hash.ts";
import type { ExitRecord, HookRecord, ProcessKey } from "../records/kernel-record.ts";
import type { PodContainer } from "../scope/pod-container.ts";
import type { Stacks } from "../stacks/stacks.ts";

const { HOOK_STOPPED, HOOK_WOULD_STOP } = enums.hook_flag;

/**
 * What happened on this node, with all that is known of it: what sinks take, and encode. It does not
 * change any more, but the buffer that the arguments of a HookEvent lie in is only good until the
 * sink's `write` returns.
 */
export type AgentEvent = ProcessEvent | DroppedEvent | ThrottleEvent;

/** One that is about a process. */
export type ProcessEvent = ExecEvent | ExitEvent | HookEvent;

/** A process began to run an image; or it ran before the agent did, and this is its start. */
export type ExecEvent = Happened & { readonly kind: "exec" };

/** The last thread of a process is gone. */
export type ExitEvent = Happened & {
  readonly kind: "exit";
  /** As wait(2): status << 8 | core dumped << 7 | signal. */
  readonly code: number;
};

/** A hook of a policy reports a call. */
export type HookEvent = Happened & {
  readonly kind: "hook";
  readonly hook: HookInfo;
  /** enum action_code. */
  readonly action: number;
  /** enum hook_flag. */
  readonly flags: number;
  /** Where its arguments are: `argsOf` decodes them. */
  readonly record: HookRecord;
  /** Its one writer is `argsOf`. */
  args: readonly HookArg[] | undefined;
  /** Through which functions the call came, where the policy asks for it. */
  readonly stacks: Stacks | undefined;
};

/** A reader was too slow for so many events; its sink makes this one. */
export type DroppedEvent = Encoded & {
  readonly kind: "dropped";
  readonly count: number;
  readonly wallMs: number;
};

/** A cgroup has begun, or ended, to have more events about its processes than are reported. */
export type ThrottleEvent = Encoded & {
  readonly kind: "throttle";
  readonly type: "THROTTLE_START" | "THROTTLE_STOP";
  /** The name of its folder. */
  readonly cgroup: string;
  readonly wallMs: number;
};

type Encoded = {
  /** Its line of JSON, once a sink asked for it. Its one writer is JsonLines. */
  json: string | undefined;
  /** Its message in protobuf, framed for gRPC; the same. Its one writer is the encoder of frames. */
  frame: Buffer | undefined;
};

type Happened = Encoded & {
  /** Boot-time ns. */
  readonly ktime: bigint;
  /** As the kernel names the process, also when nothing else is known of it. */
  readonly key: ProcessKey;
  /** The thread that it is about. */
  readonly tid: number;
  /** Undefined when the process tree does not know it. */
  readonly process: ProcessState | undefined;
  /** Undefined when it is not known. */
  readonly parent: ProcessState | undefined;
  /** Those above the parent, nearest first; empty where nobody asked for them. */
  readonly ancestors: readonly ProcessState[];
};

/** Whether an event has the ancestors of its process. */
export type Ancestors = "with ancestors" | "without";

/** A process as it was when something happened. */
export type ProcessState = {
  /** The same object in all states of one process image. */
  readonly process: Process;
  readonly image: Image;
  readonly container: PodContainer | undefined;
  readonly refs: number;
};

export function execEvent(
  process: Process,
  ktime: bigint,
  ancestors: Ancestors = "without",
): ExecEvent {
  const { key } = process;
  return {
    kind: "exec",
    ktime,
    key,
    tid: key.pid,
    process: stateOf(process),
    parent: stateOf(process.parent),
    ancestors: ancestorsOf(process, ancestors),
    json: undefined,
    frame: undefined,
  };
}

export function exitEvent(
  process: Process | undefined,
  { ktime, process: key, code }: Pick<ExitRecord, "ktime" | "process" | "code">,
  ancestors: Ancestors = "without",
): ExitEvent {
  return {
    kind: "exit",
    ktime,
    key,
    tid: key.pid, // as upstream, whichever thread was the last
    process: stateOf(process),
    parent: stateOf(process?.parent),
    ancestors: ancestorsOf(process, ancestors),
    code,
    json: undefined,
    frame: undefined,
  };
}

/** What not every event of a hook has. */
export type HookDetails = {
  readonly ancestors?: Ancestors;
  readonly stacks?: Stacks | undefined;
  /** Of which image of the process it is: "before", if not of the one that it is about. */
  readonly image?: "that began" | "before";
};

/** The arguments of `record` must be without a problem (`argsProblem`). */
export function hookEvent(
  process: Process | undefined,
  record: HookRecord,
  hook: HookInfo,
  { ancestors = "without", stacks, image }: HookDetails = {},
): HookEvent {
  const { ktime, process: key, tid, action, flags } = record;
  return {
    kind: "hook",
    ktime,
    key,
    tid,
    process: image === "before" ? withUncertain(stateOf(process)) : stateOf(process),
    parent: stateOf(process?.parent),
    ancestors: ancestorsOf(process, ancestors),
    hook,
    action,
    flags,
    record,
    args: undefined,
    stacks,
    json: undefined,
    frame: undefined,
  };
}

/** The arguments in the order of the policy. Decoded when they are first asked for. */
export function argsOf(event: HookEvent): readonly HookArg[] {
  event.args ??= hookArgs(event.record);
  return event.args;
}

/** What the call returned, of a hook that asks; undefined: nobody could tell. */
export function returnedOf(event: HookEvent): HookArg | undefined {
  return returnedArg(event.record);
}

/** The hash of the file that the hook was asked about: `sha256:` and digits; undefined: there is none. */
export function hashOf({ hook, record }: HookEvent): string | undefined {
  return hook.hasHash ? fileHashOf(record) : undefined;
}

/** enum action_code of what was done last when the call had returned; undefined: nothing, or nobody could tell what it returned. */
export function returnActionOf(event: HookEvent): number | undefined {
  const code = event.hook.returnActions?.[event.record.selector];
  return code === undefined || returnedOf(event) === undefined ? undefined : code;
}

export function droppedEvent(count: number, wallMs: number): DroppedEvent {
  return { kind: "dropped", count, wallMs, json: undefined, frame: undefined };
}

export function throttleEvent(
  type: ThrottleEvent["type"],
  cgroup: string,
  wallMs: number,
): ThrottleEvent {
  return { kind: "throttle", type, cgroup, wallMs, json: undefined, frame: undefined };
}

export function isOfProcess(event: AgentEvent): event is ProcessEvent {
  return event.kind !== "dropped" && event.kind !== "throttle";
}

/** Whether it tells of a stop, made or left out: what a sink that lacks room for all takes first. */
export function isUrgent(event: AgentEvent): boolean {
  return event.kind === "hook" && (event.flags & (HOOK_STOPPED | HOOK_WOULD_STOP)) !== 0;
}

function ancestorsOf(process: Process | undefined, which: Ancestors): readonly ProcessState[] {
  if (process === undefined || which === "without") return nobody;
  return process.ancestors.map(stateOfKnown);
}

const nobody: readonly ProcessState[] = [];

function stateOf(process: Process | undefined): ProcessState | undefined {
  return process === undefined ? undefined : stateOfKnown(process);
}

/** Its flags say that it may be another program that the event is about. */
function withUncertain(state: ProcessState | undefined): ProcessState | undefined {
  if (state === undefined) return undefined;
  const flags = state.image.flags === "" ? "unknown" : `${state.image.flags} unknown`;
  return { ...state, image: { ...state.image, flags } };
}

export function stateOfKnown(process: Process): ProcessState {
  const { image, container, refs } = process;
  return { process, image, container, refs };
}
