/** Builders of binary records as the kernel side writes them (`bpf/types.h`), for tests only. */
import type { ProcessKey } from "./kernel-record.ts";

export type ExecFields = {
  readonly process: ProcessKey;
  readonly parent: ProcessKey;
  readonly ktime: bigint;
  readonly cgroupId: bigint;
  readonly nspid: number;
  readonly uid: number;
  readonly auid: number;
  readonly flags: number;
  readonly filename: string;
  /** With the program's own name first. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly cgroup: string;
};

/** A valid exec of /bin/sh by pid 100; `change` overrides what matters. */
export function execRecord(change: Partial<ExecFields> = {}): Buffer {
  const exec: ExecFields = {
    ...{ process: { pid: 100, ktime: 1000n }, parent: { pid: 1, ktime: 10n }, ktime: 1000n },
    ...{ cgroupId: 0n, nspid: 0, uid: 0, auid: 0xffffffff, flags: 1, filename: "/bin/sh" },
    ...{ args: ["sh"], cwd: "/root", cgroup: "" },
    ...change,
  };
  const argv = exec.args.map((arg) => `${arg}\0`).join("");
  const parts = [exec.filename, argv, exec.cwd, exec.cgroup].map((part) => Buffer.from(part));
  const record = header(1, 120, exec.ktime, Buffer.concat(parts));
  writeKey(record, 16, exec.process);
  writeKey(record, 32, exec.parent);
  record.writeBigUInt64LE(exec.cgroupId, 48);
  writeUint32s(record, 80, [exec.process.pid, exec.nspid, exec.uid, exec.auid, exec.flags]);
  for (const [i, part] of parts.entries()) record.writeUInt16LE(part.length, 112 + 2 * i);
  return record;
}

export type CloneFields = {
  readonly process: ProcessKey;
  readonly parent: ProcessKey;
  readonly cgroupId: bigint;
  readonly nspid: number;
  readonly uid: number;
  readonly flags: number;
};

export function cloneRecord(change: Partial<CloneFields> = {}): Buffer {
  const clone: CloneFields = {
    ...{ process: { pid: 101, ktime: 2000n }, parent: { pid: 100, ktime: 1000n } },
    ...{ cgroupId: 0n, nspid: 0, uid: 0, flags: 0 },
    ...change,
  };
  const record = header(2, 72, clone.process.ktime, Buffer.alloc(0));
  writeKey(record, 16, clone.process);
  writeKey(record, 32, clone.parent);
  record.writeBigUInt64LE(clone.cgroupId, 48);
  writeUint32s(record, 56, [clone.process.pid, clone.nspid, clone.uid, clone.flags]);
  return record;
}

/** `code` as wait(2) has it. */
export function exitRecord(exit: {
  readonly process: ProcessKey;
  readonly code: number;
  readonly ktime?: bigint;
}): Buffer {
  const record = header(3, 40, exit.ktime ?? 3000n, Buffer.alloc(0));
  writeKey(record, 16, exit.process);
  writeUint32s(record, 32, [exit.process.pid, exit.code]);
  return record;
}

export type HookFields = {
  readonly process: ProcessKey;
  readonly ktime: bigint;
  readonly cgroupId: bigint;
  readonly tid: number;
  readonly hook: number;
  readonly action: number;
  readonly flags: number;
  readonly args: readonly Buffer[];
};

export function hookRecord(change: Partial<HookFields> = {}): Buffer {
  const hook: HookFields = {
    ...{ process: { pid: 100, ktime: 1000n }, ktime: 2500n, cgroupId: 0n, tid: 100, hook: 7 },
    ...{ action: 1, flags: 0, args: [] },
    ...change,
  };
  const record = header(4, 56, hook.ktime, Buffer.concat(hook.args));
  writeKey(record, 16, hook.process);
  record.writeBigUInt64LE(hook.cgroupId, 32);
  writeUint32s(record, 40, [hook.tid, hook.hook]);
  record.writeUInt16LE(hook.action, 50);
  record.writeUInt16LE(hook.flags, 52);
  record.writeUInt16LE(hook.args.length, 54);
  return record;
}

/** One struct event_arg with its payload, padded; by enum arg_type. */
export function rawArg(type: number, payload: Buffer, flags = 0): Buffer {
  const arg = Buffer.alloc((8 + payload.length + 7) & ~7);
  arg.writeUInt16LE(type, 0);
  arg.writeUInt16LE(flags, 2);
  arg.writeUInt32LE(payload.length, 4);
  payload.copy(arg, 8);
  return arg;
}

export const intArg = (value: number) => rawArg(1, int64(BigInt(value)));
export const sizeArg = (value: number) => rawArg(5, int64(BigInt(value)));
export const fileArg = (path: string, mode = 0o100644, flags = 0) =>
  rawArg(7, Buffer.concat([uint32(mode), Buffer.from(path)]), flags);
export const fdArg = (path: string, mode = 0o100644) =>
  rawArg(6, Buffer.concat([uint32(mode), Buffer.from(path)]));
export const bufferArg = (length: number, text: string) =>
  rawArg(8, Buffer.concat([uint32(length), Buffer.from(text)]));

function header(kind: number, fixed: number, ktime: bigint, payload: Buffer): Buffer {
  const size = fixed + payload.length;
  const record = Buffer.alloc((size + 7) & ~7);
  record.writeUInt16LE(kind, 0);
  record.writeUInt32LE(size, 4);
  record.writeBigUInt64LE(ktime, 8);
  payload.copy(record, fixed);
  return record;
}

function writeKey(record: Buffer, at: number, { pid, ktime }: ProcessKey): void {
  record.writeBigUInt64LE(ktime, at);
  record.writeUInt32LE(pid, at + 8);
}

function writeUint32s(record: Buffer, at: number, values: readonly number[]): void {
  for (const [i, value] of values.entries()) record.writeUInt32LE(value, at + 4 * i);
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
