import { decodeArg, type HookArg, leastArgBytes } from "../args/index.ts";
import { enums, layout } from "../gen/layout.ts";
import { offsetsOf } from "../layout/struct.ts";
import type { BadRecord, HookRecord, KernelRecord, ProcessKey } from "./kernel-record.ts";

const { event_header, exec_event, clone_event, exit_event, hook_event, event_arg } = layout;
const { EVENT_EXEC, EVENT_CLONE, EVENT_EXIT, EVENT_HOOK } = enums.event_kind;
const headerAt = offsetsOf(event_header);
const keyAt = offsetsOf(layout.process_key);
const execAt = offsetsOf(exec_event);
const cloneAt = offsetsOf(clone_event);
const exitAt = offsetsOf(exit_event);
const hookAt = offsetsOf(hook_event);
const argAt = offsetsOf(event_arg);
const headerBytes = event_header.size;
const argHeaderBytes = event_arg.size;
const execBytes = exec_event.size;
const hookBytes = hook_event.size;
const fixedBytes: Readonly<Record<number, number>> = {
  [EVENT_EXEC]: execBytes,
  [EVENT_CLONE]: clone_event.size,
  [EVENT_EXIT]: exit_event.size,
  [EVENT_HOOK]: hookBytes,
};

/**
 * The record at `at` of `records` (many whole ones, each padded to a multiple of 8, as
 * `RingReader.read` hands over). Never throws: what is no record comes back as `bad`.
 */
export function decodeRecord(records: Buffer, at: number): KernelRecord | BadRecord {
  const left = records.length - at;
  if (left < headerBytes) return bad(records.length, `${left} bytes are less than a header`);
  const kind = records.readUInt16LE(at + headerAt.u16.kind);
  const size = records.readUInt32LE(at + headerAt.u32.size);
  if (size < headerBytes || size > left) {
    return bad(records.length, `event of kind ${kind} has size ${size} with ${left} bytes left`);
  }
  const next = Math.min(at + pad8(size), records.length);
  const fixed = fixedBytes[kind];
  if (fixed === undefined) return bad(next, `event kind ${kind} is unknown`);
  if (size < fixed) return bad(next, `event of kind ${kind} has size ${size}, less than ${fixed}`);
  const end = at + size;
  const ktime = records.readBigUInt64LE(at + headerAt.u64.ktime);
  const place = { records, at, end, next, ktime } as const;
  switch (kind) {
    case EVENT_EXEC: {
      const text = execTextBytes(records, at);
      if (text > size - fixed) return bad(next, `exec event has ${size} bytes for ${text} of text`);
      return {
        ...place,
        kind: "exec",
        process: readKey(records, at + execAt.structs.process),
        parent: readKey(records, at + execAt.structs.parent),
        cgroupId: records.readBigUInt64LE(at + execAt.u64.cgroup_id),
        tid: records.readUInt32LE(at + execAt.u32.tid),
        nspid: records.readUInt32LE(at + execAt.u32.nspid),
        uid: records.readUInt32LE(at + execAt.u32.uid),
        auid: records.readUInt32LE(at + execAt.u32.auid),
        flags: records.readUInt32LE(at + execAt.u32.flags),
      };
    }
    case EVENT_CLONE:
      return {
        ...place,
        kind: "clone",
        process: readKey(records, at + cloneAt.structs.process),
        parent: readKey(records, at + cloneAt.structs.parent),
        cgroupId: records.readBigUInt64LE(at + cloneAt.u64.cgroup_id),
        tid: records.readUInt32LE(at + cloneAt.u32.tid),
        nspid: records.readUInt32LE(at + cloneAt.u32.nspid),
        uid: records.readUInt32LE(at + cloneAt.u32.uid),
        flags: records.readUInt32LE(at + cloneAt.u32.flags),
      };
    case EVENT_EXIT:
      return {
        ...place,
        kind: "exit",
        process: readKey(records, at + exitAt.structs.process),
        tid: records.readUInt32LE(at + exitAt.u32.tid),
        code: records.readUInt32LE(at + exitAt.u32.code),
      };
    default:
      return {
        ...place,
        kind: "hook",
        process: readKey(records, at + hookAt.structs.process),
        cgroupId: records.readBigUInt64LE(at + hookAt.u64.cgroup_id),
        tid: records.readUInt32LE(at + hookAt.u32.tid),
        hook: records.readUInt32LE(at + hookAt.u32.hook),
        selector: records.readUInt16LE(at + hookAt.u16.selector),
        action: records.readUInt8(at + hookAt.u8.action),
        entry: records.readUInt8(at + hookAt.u8.entry),
        flags: records.readUInt16LE(at + hookAt.u16.flags),
        argCount: records.readUInt16LE(at + hookAt.u16.args),
      };
  }
}

/** The text of an exec record. Bytes that are no UTF-8 become U+FFFD. */
export type ExecText = {
  readonly filename: string;
  /** argv, the program's own name first. */
  readonly args: readonly string[];
  readonly cwd: string;
  /** Name of the cgroup's own folder. */
  readonly cgroup: string;
};

/** `record` must come from `decodeRecord`, which has checked that the text lies inside. */
export function execText(record: { readonly records: Buffer; readonly at: number }): ExecText {
  const { records, at } = record;
  const filename = at + execBytes;
  const args = filename + records.readUInt16LE(at + execAt.u16.filename_size);
  const cwd = args + records.readUInt16LE(at + execAt.u16.args_size);
  const cgroup = cwd + records.readUInt16LE(at + execAt.u16.cwd_size);
  const end = cgroup + records.readUInt16LE(at + execAt.u16.cgroup_size);
  return {
    filename: records.toString("utf8", filename, args),
    args: splitArgs(records.toString("utf8", args, cwd)),
    cwd: records.toString("utf8", cwd, cgroup),
    cgroup: records.toString("utf8", cgroup, end),
  };
}

/** What is wrong with the bytes of a hook record's arguments; undefined when they can be decoded. */
export function argsProblem({ records, at, end, argCount }: HookRecord): string | undefined {
  let head = at + hookBytes;
  for (let i = 0; i < argCount; i++) {
    const left = end - head - argHeaderBytes;
    if (left < 0) return `hook event ends before argument ${i} of ${argCount}`;
    const size = records.readUInt32LE(head + argAt.u32.size);
    if (size > left) return `argument ${i} has ${size} of ${left} bytes`;
    const type = records.readUInt16LE(head + argAt.u16.type);
    const least = leastArgBytes(type);
    if (least === undefined || size < least) {
      return `argument ${i} has type ${type} and ${size} bytes`;
    }
    head += argHeaderBytes + pad8(size);
  }
  return undefined;
}

/** The arguments of a hook record, which must have no `argsProblem`. */
export function hookArgs({ records, at, argCount }: HookRecord): readonly HookArg[] {
  const args: HookArg[] = [];
  let head = at + hookBytes;
  for (let i = 0; i < argCount; i++) {
    const size = records.readUInt32LE(head + argAt.u32.size);
    const type = records.readUInt16LE(head + argAt.u16.type);
    const flags = records.readUInt16LE(head + argAt.u16.flags);
    args.push(decodeArg(type, { records, flags, start: head + argHeaderBytes, size }));
    head += argHeaderBytes + pad8(size);
  }
  return args;
}

function readKey(records: Buffer, at: number): ProcessKey {
  return {
    pid: records.readUInt32LE(at + keyAt.u32.pid),
    ktime: records.readBigUInt64LE(at + keyAt.u64.ktime),
  };
}

function execTextBytes(records: Buffer, at: number): number {
  const { filename_size, args_size, cwd_size, cgroup_size } = execAt.u16;
  return (
    records.readUInt16LE(at + filename_size) +
    records.readUInt16LE(at + args_size) +
    records.readUInt16LE(at + cwd_size) +
    records.readUInt16LE(at + cgroup_size)
  );
}

/** argv as the kernel has it, each argument ended by NUL; the last one may have been cut. */
function splitArgs(text: string): readonly string[] {
  if (text === "") return [];
  return (text.endsWith("\0") ? text.slice(0, -1) : text).split("\0");
}

function pad8(size: number): number {
  return (size + 7) & ~7;
}

function bad(next: number, problem: string): BadRecord {
  return { kind: "bad", next, problem };
}
