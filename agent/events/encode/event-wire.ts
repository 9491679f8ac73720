import { writeArg } from "../../args/index.ts";
import { enums } from "../../gen/layout.ts";
import { ThrottleType, tags } from "../../gen/wire-numbers.ts";
import { type HookInfo, namesOf } from "../../kernel/hook-info.ts";
import { WireWriter } from "../../wire/writer.ts";
import {
  type AgentEvent,
  argsOf,
  type DroppedEvent,
  type ExecEvent,
  type ExitEvent,
  type HookEvent,
  hashOf,
  isOfProcess,
  returnActionOf,
  returnedOf,
  type ThrottleEvent,
} from "../event.ts";
import { createProcessWriter, writeMap } from "./process-wire.ts";
import { signalName } from "./signal-name.ts";
import { type StackTags, writeStacks } from "./stacks.ts";

export type EventWireOptions = {
  readonly nodeName: string;
  /** Boot-time ns to wall-clock ns since 1970. */
  readonly bootToWallNs: (bootNs: bigint) => bigint;
  /** Empty: events do not say it. */
  readonly clusterName?: string;
  /** The labels of the node, where they are known; the same object until they are others. */
  readonly nodeLabels?: () => Readonly<Record<string, string>> | undefined;
};

const envelope = tags.GetEventsResponse;

/** Encodes events as upstream's GetEventsResponse: what their JSON lines say (json-lines.ts), in protobuf. */
export function createEventWire(options: EventWireOptions): (event: AgentEvent) => Buffer {
  const { bootToWallNs } = options;
  const out = new WireWriter();
  const processes = createProcessWriter({ ...options, out });
  /** The process and its parent. `flags`: of a process that is not known. */
  const actors = (
    message: { readonly process: number; readonly parent: number },
    { kind, process, parent, key, tid }: ExecEvent | ExitEvent | HookEvent,
    flags: "" | "unknown" = "",
  ) => {
    if (process === undefined) {
      processes.unknown(message.process, key, flags);
      return;
    }
    const as = kind === "exec" ? "executed" : undefined;
    processes.process(message.process, { state: process, tid, as });
    if (parent === undefined) return;
    processes.process(message.parent, { state: parent, tid: parent.process.key.pid });
  };
  const above = (tag: number, { ancestors }: ExecEvent | ExitEvent | HookEvent) => {
    for (const state of ancestors) {
      processes.process(tag, { state, tid: state.process.key.pid });
    }
  };
  const fieldsOf = rememberedFields();
  const place = createPlace(options);

  const exec = (event: ExecEvent) => {
    const start = out.open(envelope.process_exec);
    actors(tags.ProcessExec, event);
    above(tags.ProcessExec.ancestors, event);
    out.close(start);
  };
  const exit = (event: ExitEvent) => {
    const start = out.open(envelope.process_exit);
    actors(tags.ProcessExit, event);
    out.text(tags.ProcessExit.signal, signalName(event.code & 0x7f));
    out.uint(tags.ProcessExit.status, (event.code >>> 8) & 0xff);
    out.time(tags.ProcessExit.time, bootToWallNs(event.ktime));
    above(tags.ProcessExit.ancestors, event);
    out.close(start);
  };
  const hook = (event: HookEvent) => {
    const { member, message, same } = fieldsOf(event.hook);
    const start = out.open(member);
    const known = (event.flags & enums.hook_flag.HOOK_PROCESS_UNKNOWN) === 0;
    actors(message, event, known ? "" : "unknown");
    out.fields(same);
    writeArgs(event, message, out);
    above(message.ancestors, event);
    writeDetails(event, message, out);
    out.close(start);
  };

  return (event) => {
    switch (event.kind) {
      case "exec":
        exec(event);
        break;
      case "exit":
        exit(event);
        break;
      case "hook":
        hook(event);
        break;
      case "dropped":
      case "throttle":
        writeOfAgent(event, out);
    }
    out.fields(place());
    out.time(
      envelope.time,
      isOfProcess(event) ? bootToWallNs(event.ktime) : BigInt(event.wallMs) * 1_000_000n,
    );
    return out.take();
  };
}

/** What the agent itself tells. */
function writeOfAgent(event: DroppedEvent | ThrottleEvent, out: WireWriter): void {
  if (event.kind === "dropped") {
    const start = out.open(envelope.rate_limit_info);
    out.uint(tags.RateLimitInfo.number_of_dropped_process_events, event.count);
    out.close(start);
    return;
  }
  const start = out.open(envelope.process_throttle);
  out.uint(tags.ProcessThrottle.type, ThrottleType[event.type]);
  out.text(tags.ProcessThrottle.cgroup, event.cgroup);
  out.close(start);
}

/** The node, the cluster, and the labels of the node once they are known. */
function createPlace({ nodeName, clusterName, nodeLabels }: EventWireOptions): () => Uint8Array {
  const out = new WireWriter();
  let labels: Readonly<Record<string, string>> | undefined;
  const encode = () => {
    out.text(envelope.node_name, nodeName);
    out.text(envelope.cluster_name, clusterName);
    writeMap(envelope.node_labels, labels ?? {}, out);
    return out.take();
  };
  let bytes = encode();
  return () => {
    const now = nodeLabels?.();
    if (now !== labels) {
      labels = now;
      bytes = encode();
    }
    return bytes;
  };
}

/** Numbers of enum action_code are upstream's; 0, none executed, is a Post. */
function writeActions(event: HookEvent, message: HookMessage, out: WireWriter): void {
  out.uint(message.action, event.action === 0 ? enums.action_code.ACTION_POST : event.action);
  const returned = returnActionOf(event);
  if (returned !== undefined && message.return_action !== undefined) {
    out.uint(message.return_action, returned);
  }
}

/** What was done, and what few events have. */
function writeDetails(event: HookEvent, message: HookMessage, out: WireWriter): void {
  writeActions(event, message, out);
  if (message.ima_hash !== undefined) out.text(message.ima_hash, hashOf(event));
  if (event.stacks !== undefined) writeStacks(event.stacks, message, out);
}

function writeArgs(event: HookEvent, message: HookMessage, out: WireWriter): void {
  const args = argsOf(event);
  for (let i = 0; i < args.length; i++) {
    const { label, isData } = event.hook.args[i] ?? {};
    const tag = isData ? message.data : message.args;
    if (tag !== undefined) writeArg(tag, { arg: args[i]!, label }, out);
  }
  const { returned } = event.hook;
  const value = returned === undefined ? undefined : returnedOf(event);
  if (value !== undefined && message.return !== undefined) {
    writeArg(message.return, { arg: value, label: returned!.label }, out);
  }
}

/** What all events of one hook have in common. */
type HookFields = {
  /** Of the GetEventsResponse. */
  readonly member: number;
  readonly message: HookMessage;
  readonly same: Uint8Array;
};

type HookMessage = StackTags & {
  readonly process: number;
  readonly parent: number;
  readonly args: number;
  readonly data?: number;
  readonly return?: number;
  readonly action: number;
  readonly return_action?: number;
  readonly ancestors: number;
  readonly ima_hash?: number;
  readonly policy_name: number;
  readonly message: number;
  readonly tags: number;
};

/** By the kind of event that a hook's are. */
const hookMessages: Readonly<Record<string, { member: number; message: HookMessage }>> = {
  process_kprobe: { member: envelope.process_kprobe, message: tags.ProcessKprobe },
  process_lsm: { member: envelope.process_lsm, message: tags.ProcessLsm },
  process_usdt: { member: envelope.process_usdt, message: tags.ProcessUsdt },
  process_uprobe: { member: envelope.process_uprobe, message: tags.ProcessUprobe },
  process_tracepoint: { member: envelope.process_tracepoint, message: tags.ProcessTracepoint },
};

/** The fields of a hook, encoded once. */
function rememberedFields(): (info: HookInfo) => HookFields {
  const known = new WeakMap<HookInfo, HookFields>();
  return (info) => {
    const fields = known.get(info) ?? encodeHookFields(info);
    known.set(info, fields);
    return fields;
  };
}

function encodeHookFields(info: HookInfo): HookFields {
  const found = hookMessages[info.event];
  if (found === undefined) throw new Error(`a hook's events are ${info.event}`);
  const { message } = found;
  const out = new WireWriter();
  for (const [field, name] of Object.entries(namesOf(info))) {
    const tag = (message as Readonly<Record<string, number>>)[field];
    if (tag === undefined) throw new Error(`${info.event} has no field ${field}`);
    if (typeof name === "number") out.uint(tag, name);
    else out.text(tag, name);
  }
  out.text(message.policy_name, info.policy.name);
  out.text(message.message, info.message);
  for (const tag of info.tags ?? []) out.textSet(message.tags, tag);
  return { ...found, same: out.take() };
}
