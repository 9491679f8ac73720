import type { BadRecord, HookArg, HookRecord, KernelRecord, ProcessKey } from "./kernel-record.ts";

/**
 * The record at `at` of `records` (many whole ones, each padded to a multiple of 8, as
 * `RingReader.read` hands over). Never throws: what is no record comes back as `bad`.
 */
export function decodeRecord(records: Buffer, at: number): KernelRecord | BadRecord {
  const left = records.length - at;
  if (left < headerBytes) return bad(records.length, `${left} bytes are less than a header`);
  const kind = records.readUInt16LE(at);
  const size = records.readUInt32LE(at + 4);
  if (size < headerBytes || size > left) {
    return bad(records.length, `event of kind ${kind} has size ${size} with ${left} bytes left`);
  }
  const next = Math.min(at + pad8(size), records.length);
  const fixed = fixedBytes[kind];
  if (fixed === undefined) return bad(next, `event kind ${kind} is unknown`);
  if (size < fixed) return bad(next, `event of kind ${kind} has size ${size}, less than ${fixed}`);
  const end = at + size;
  const place = { records, at, end, next, ktime: records.readBigUInt64LE(at + 8) } as const;
  switch (kind) {
    case kindExec: {
      const text = execTextBytes(records, at);
      if (text > size - fixed) return bad(next, `exec event has ${size} bytes for ${text} of text`);
      return {
        ...place,
        kind: "exec",
        process: readKey(records, at + 16),
        parent: readKey(records, at + 32),
        cgroupId: records.readBigUInt64LE(at + 48),
        tid: records.readUInt32LE(at + 80),
        nspid: records.readUInt32LE(at + 84),
        uid: records.readUInt32LE(at + 88),
        auid: records.readUInt32LE(at + 92),
        flags: records.readUInt32LE(at + 96),
      };
    }
    case kindClone:
      return {
        ...place,
        kind: "clone",
        process: readKey(records, at + 16),
        parent: readKey(records, at + 32),
        cgroupId: records.readBigUInt64LE(at + 48),
        tid: records.readUInt32LE(at + 56),
        nspid: records.readUInt32LE(at + 60),
        uid: records.readUInt32LE(at + 64),
        flags: records.readUInt32LE(at + 68),
      };
    case kindExit:
      return {
        ...place,
        kind: "exit",
        process: readKey(records, at + 16),
        tid: records.readUInt32LE(at + 32),
        code: records.readUInt32LE(at + 36),
      };
    default:
      return {
        ...place,
        kind: "hook",
        process: readKey(records, at + 16),
        cgroupId: records.readBigUInt64LE(at + 32),
        tid: records.readUInt32LE(at + 40),
        hook: records.readUInt32LE(at + 44),
        selector: records.readUInt16LE(at + 48),
        action: records.readUInt16LE(at + 50),
        flags: records.readUInt16LE(at + 52),
        argCount: records.readUInt16LE(at + 54),
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
  const args = filename + records.readUInt16LE(at + 112);
  const cwd = args + records.readUInt16LE(at + 114);
  const cgroup = cwd + records.readUInt16LE(at + 116);
  const end = cgroup + records.readUInt16LE(at + 118);
  return {
    filename: records.toString("utf8", filename, args),
    args: splitArgs(records.toString("utf8", args, cwd)),
    cwd: records.toString("utf8", cwd, cgroup),
    cgroup: records.toString("utf8", cgroup, end),
  };
}

/** The arguments of a hook record, or what is wrong with their bytes. Never throws. */
export function hookArgs(record: HookRecord): readonly HookArg[] | BadRecord {
  const { records, at, end, next, argCount } = record;
  const args: HookArg[] = [];
  let offset = hookBytes;
  for (let i = 0; i < argCount; i++) {
    const start = at + offset + argHeaderBytes;
    if (start > end) return bad(next, `hook event ends before argument ${i} of ${argCount}`);
    const size = records.readUInt32LE(start - 4);
    if (size > end - start) return bad(next, `argument ${i} has ${size} of ${end - start} bytes`);
    const type = records.readUInt16LE(start - 8);
    const arg = readArg({ records, type, flags: records.readUInt16LE(start - 6), start, size });
    if (arg === undefined) return bad(next, `argument ${i} has type ${type} and ${size} bytes`);
    args.push(arg);
    offset = pad8(offset + argHeaderBytes + size);
  }
  return args;
}

const headerBytes = 16;
const argHeaderBytes = 8;
const [kindExec, kindClone, kindExit, kindHook] = [1, 2, 3, 4] as const;
const execBytes = 120;
const hookBytes = 56;
const fixedBytes: Readonly<Record<number, number>> = {
  [kindExec]: execBytes,
  [kindClone]: 72,
  [kindExit]: 40,
  [kindHook]: hookBytes,
};
const argCut = 1 << 0;
const argDeleted = 1 << 1;

function readKey(records: Buffer, at: number): ProcessKey {
  return { pid: records.readUInt32LE(at + 8), ktime: records.readBigUInt64LE(at) };
}

function execTextBytes(records: Buffer, at: number): number {
  let sum = 0;
  for (let field = 112; field < execBytes; field += 2) sum += records.readUInt16LE(at + field);
  return sum;
}

/** argv as the kernel has it, each argument ended by NUL; the last one may have been cut. */
function splitArgs(text: string): readonly string[] {
  if (text === "") return [];
  return (text.endsWith("\0") ? text.slice(0, -1) : text).split("\0");
}

type RawArg = {
  readonly records: Buffer;
  /** enum arg_type. */
  readonly type: number;
  readonly flags: number;
  readonly start: number;
  readonly size: number;
};

/** undefined: the type is unknown or the payload too short for it. */
function readArg({ records, type, flags, start, size }: RawArg): HookArg | undefined {
  const need = type >= 1 && type <= 5 ? 8 : 4;
  if (size < need) return undefined;
  switch (type) {
    case 1:
      return { type: "int", value: records.readInt32LE(start) };
    case 2:
      return { type: "uint32", value: records.readUInt32LE(start) };
    case 3:
      return { type: "int64", value: records.readBigInt64LE(start) };
    case 4:
      return { type: "uint64", value: records.readBigUInt64LE(start) };
    case 5:
      return { type: "size_t", value: records.readBigUInt64LE(start) };
    case 6:
    case 7:
      return {
        type: type === 6 ? "fd" : "file",
        mode: records.readUInt32LE(start),
        path: records.toString("utf8", start + 4, start + size),
        cut: (flags & argCut) !== 0,
        deleted: (flags & argDeleted) !== 0,
      };
    case 8:
      return {
        type: "char_buf",
        length: Math.max(records.readUInt32LE(start), size - 4),
        bytes: records.subarray(start + 4, start + size),
      };
    case 15:
      return { type: "error", errno: records.readUInt32LE(start) };
    default:
      return undefined;
  }
}

function pad8(size: number): number {
  return (size + 7) & ~7;
}

function bad(next: number, problem: string): BadRecord {
  return { kind: "bad", next, problem };
}
