import type { Payload } from "../args/codec.ts";
import { decodeArg, type HookArg, leastArgBytes } from "../args/index.ts";
import { enums, layout } from "../gen/layout.ts";
import { offsetsOf } from "../layout/struct.ts";
import type {
  BadRecord,
  CloneRecord,
  DataRecord,
  ExecRecord,
  ExitRecord,
  HookRecord,
  KernelRecord,
  ProcessKey,
} from "./kernel-record.ts";

const { event_header, exec_event, data_event, clone_event, exit_event, hook_event, event_arg } =
  layout;
const { EVENT_EXEC, EVENT_CLONE, EVENT_EXIT, EVENT_HOOK, EVENT_DATA } = enums.event_kind;
const { EXEC_IDENTITY } = enums.exec_flag;
const headerAt = offsetsOf(event_header);
const keyAt = offsetsOf(layout.process_key);
const execAt = offsetsOf(exec_event);
const dataAt = offsetsOf(data_event);
const cloneAt = offsetsOf(clone_event);
const exitAt = offsetsOf(exit_event);
const hookAt = offsetsOf(hook_event);
const argAt = offsetsOf(event_arg);
const headerBytes = event_header.size;
const argHeaderBytes = event_arg.size;
const execBytes = exec_event.size;
const hookBytes = hook_event.size;
type EventKind = (typeof enums.event_kind)[keyof typeof enums.event_kind];
/** How many bytes a record has at least, and what decodes it. */
const kinds = {
  [EVENT_EXEC]: { bytes: execBytes, decode: decodeExec },
  [EVENT_CLONE]: { bytes: clone_event.size, decode: decodeClone },
  [EVENT_EXIT]: { bytes: exit_event.size, decode: decodeExit },
  [EVENT_HOOK]: { bytes: hookBytes, decode: decodeHook },
  [EVENT_DATA]: { bytes: data_event.size, decode: decodeData },
} satisfies Readonly<Record<EventKind, Kind>>;

type Kind = {
  readonly bytes: number;
  readonly decode: (
    records: Buffer,
    at: number,
    end: number,
    next: number,
  ) => KernelRecord | BadRecord;
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
  const known = (kinds as Readonly<Record<number, Kind>>)[kind];
  if (known === undefined) return bad(next, `event kind ${kind} is unknown`);
  const { bytes, decode } = known;
  if (size < bytes) return bad(next, `event of kind ${kind} has size ${size}, less than ${bytes}`);
  return decode(records, at, at + size, next);
}

// Literals of all fields, here and in event.ts: an object that begins with `...` costs twice as much.

function decodeExec(
  records: Buffer,
  at: number,
  end: number,
  next: number,
): ExecRecord | BadRecord {
  const text = execTextBytes(records, at);
  const size = end - at;
  const flags = records.readUInt32LE(at + execAt.u32.flags);
  const identity = (flags & EXEC_IDENTITY) === 0 ? 0 : layout.exec_identity.size;
  if (text > size - execBytes - identity) {
    return bad(next, `exec event has ${size} bytes for ${text} of text`);
  }
  return {
    kind: "exec",
    records,
    at,
    end,
    next,
    ktime: records.readBigUInt64LE(at + headerAt.u64.ktime),
    process: readKey(records, at + execAt.structs.process),
    parent: readKey(records, at + execAt.structs.parent),
    cgroupId: records.readBigUInt64LE(at + execAt.u64.cgroup_id),
    tid: records.readUInt32LE(at + execAt.u32.tid),
    nspid: records.readUInt32LE(at + execAt.u32.nspid),
    uid: records.readUInt32LE(at + execAt.u32.uid),
    auid: records.readUInt32LE(at + execAt.u32.auid),
    mntNs: records.readUInt32LE(at + execAt.u32.mnt_ns),
    userNs: records.readUInt32LE(at + execAt.u32.user_ns),
    argsData: records.readUInt32LE(at + execAt.u32.args_data),
    envData: records.readUInt32LE(at + execAt.u32.env_data),
    flags,
  };
}

function decodeData(records: Buffer, at: number, end: number, next: number): DataRecord {
  return {
    kind: "data",
    records,
    at,
    end,
    next,
    ktime: records.readBigUInt64LE(at + headerAt.u64.ktime),
    process: readKey(records, at + dataAt.structs.process),
    what: records.readUInt32LE(at + dataAt.u32.what),
    start: at + data_event.size,
  };
}

function decodeClone(records: Buffer, at: number, end: number, next: number): CloneRecord {
  return {
    kind: "clone",
    records,
    at,
    end,
    next,
    ktime: records.readBigUInt64LE(at + headerAt.u64.ktime),
    process: readKey(records, at + cloneAt.structs.process),
    parent: readKey(records, at + cloneAt.structs.parent),
    cgroupId: records.readBigUInt64LE(at + cloneAt.u64.cgroup_id),
    tid: records.readUInt32LE(at + cloneAt.u32.tid),
    nspid: records.readUInt32LE(at + cloneAt.u32.nspid),
    uid: records.readUInt32LE(at + cloneAt.u32.uid),
    flags: records.readUInt32LE(at + cloneAt.u32.flags),
  };
}

function decodeExit(records: Buffer, at: number, end: number, next: number): ExitRecord {
  return {
    kind: "exit",
    records,
    at,
    end,
    next,
    ktime: records.readBigUInt64LE(at + headerAt.u64.ktime),
    process: readKey(records, at + exitAt.structs.process),
    tid: records.readUInt32LE(at + exitAt.u32.tid),
    code: records.readUInt32LE(at + exitAt.u32.code),
  };
}

function decodeHook(records: Buffer, at: number, end: number, next: number): HookRecord {
  return {
    kind: "hook",
    records,
    at,
    end,
    next,
    ktime: records.readBigUInt64LE(at + headerAt.u64.ktime),
    process: readKey(records, at + hookAt.structs.process),
    cgroupId: records.readBigUInt64LE(at + hookAt.u64.cgroup_id),
    tid: records.readUInt32LE(at + hookAt.u32.tid),
    hook: records.readUInt32LE(at + hookAt.u32.hook),
    selector: records.readUInt16LE(at + hookAt.u16.selector),
    action: records.readUInt8(at + hookAt.u8.action),
    entry: records.readUInt16LE(at + hookAt.u16.entry),
    flags: records.readUInt16LE(at + hookAt.u16.flags),
    argCount: records.readUInt8(at + hookAt.u8.args),
  };
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

/**
 * `record` must come from `decodeRecord`, which has checked that the text lies inside. `longArgs`: the
 * argv that came before it, where it has none.
 */
export function execText(
  record: Pick<ExecRecord, "records" | "at" | "argsData">,
  longArgs?: Buffer,
): ExecText {
  const { records, at, argsData } = record;
  const filename = at + execBytes;
  const args = filename + records.readUInt16LE(at + execAt.u16.filename_size);
  const cwd = args + records.readUInt16LE(at + execAt.u16.args_size);
  const cgroup = cwd + records.readUInt16LE(at + execAt.u16.cwd_size);
  const end = cgroup + records.readUInt16LE(at + execAt.u16.cgroup_size);
  return {
    filename: records.toString("utf8", filename, args),
    args: splitArgs(
      argsData === 0 ? records.toString("utf8", args, cwd) : (longArgs?.toString("utf8") ?? ""),
    ),
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
    const least = leastBytes(type, records.readUInt16LE(head + argAt.u16.flags));
    if (least === undefined || size < least) {
      return `argument ${i} has type ${type} and ${size} bytes`;
    }
    head += argHeaderBytes + pad8(size);
  }
  return undefined;
}

const { ARG_RETURNED, ARG_REST, ARG_WHOLE } = enums.arg_flag;
const { ARG_KERNEL_STACK, ARG_USER_STACK, ARG_FILE_HASH } = enums.arg_flag;
/** Of what is no argument: how many bytes it has at least. */
const others = [
  { flags: ARG_REST, bytes: 0 },
  { flags: ARG_KERNEL_STACK | ARG_USER_STACK, bytes: layout.stack_payload.size },
  { flags: ARG_FILE_HASH, bytes: layout.hash_payload.size },
];
const otherFlags = others.reduce((all, { flags }) => all | flags, 0);

/** The least bytes of what is behind a struct event_arg; undefined: there is no such type. */
function leastBytes(type: number, flags: number): number | undefined {
  const own = (flags & otherFlags) === 0 || (flags & ARG_RETURNED) !== 0 ? leastArgBytes(type) : 0;
  if ((flags & otherFlags) === 0 || own === undefined) return own;
  // The kernel sets one of them; whoever asks for one finds it whole, whatever else is set.
  return Math.max(own, ...others.map((one) => ((flags & one.flags) === 0 ? 0 : one.bytes)));
}

/** The arguments of a hook record, which must have no `argsProblem`. */
export function hookArgs(record: HookRecord): readonly HookArg[] {
  const args: HookArg[] = [];
  eachArg(record, (arg) => {
    if ((arg.flags & (ARG_RETURNED | otherFlags)) !== 0) return;
    const rest = (arg.flags & ARG_WHOLE) === 0 ? undefined : argWith(record, ARG_REST);
    args.push(decodeArg(arg.type, rest === undefined ? arg : joined(arg, rest)));
  });
  return args;
}

/** What the call returned, which the hook of `record` asks; undefined: nobody could tell. */
export function returnedArg(record: HookRecord): HookArg | undefined {
  const found = argWith(record, ARG_RETURNED);
  return found === undefined ? undefined : decodeArg(found.type, found);
}

/** What is behind a struct event_arg. */
export type Written = Payload & { readonly type: number };

/** The one with that flag. */
export function argWith(record: HookRecord, flag: number): Written | undefined {
  let found: Written | undefined;
  eachArg(record, (arg) => {
    if ((arg.flags & flag) !== 0) found = arg;
  });
  return found;
}

/** A payload with the rest of its bytes. */
function joined({ records, start, size, flags }: Written, rest: Written): Payload {
  const bytes = Buffer.concat([
    records.subarray(start, start + size),
    rest.records.subarray(rest.start, rest.start + rest.size),
  ]);
  return { records: bytes, start: 0, size: bytes.length, flags };
}

function eachArg({ records, at, argCount }: HookRecord, take: (arg: Written) => void): void {
  let head = at + hookBytes;
  for (let i = 0; i < argCount; i++) {
    const size = records.readUInt32LE(head + argAt.u32.size);
    const type = records.readUInt16LE(head + argAt.u16.type);
    const flags = records.readUInt16LE(head + argAt.u16.flags);
    take({ type, records, flags, start: head + argHeaderBytes, size });
    head += argHeaderBytes + pad8(size);
  }
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
