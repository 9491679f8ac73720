/** Builders of binary records as the kernel side writes them (`bpf/types.h`), for tests only. */
import { enums, layout } from "../gen/layout.ts";
import { bytesOf, type Struct, type Values, write } from "../layout/struct.ts";
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
  /** struct exec_identity; absent: the event has none. */
  readonly identity?: Uint8Array;
  /** Bytes that data records had before. */
  readonly argsData?: number;
  readonly envData?: number;
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
  const { process, parent, nspid, uid, auid, identity, argsData = 0, envData = 0 } = exec;
  const flags = exec.flags | (identity === undefined ? 0 : enums.exec_flag.EXEC_IDENTITY);
  const all = [...parts, ...(identity === undefined ? [] : [Buffer.from(identity)])];
  return record(enums.event_kind.EVENT_EXEC, exec.ktime, all, {
    struct: layout.exec_event,
    values: {
      ...{ process, parent, cgroup_id: exec.cgroupId, tid: process.pid, nspid, uid, auid, flags },
      ...{ args_data: argsData, env_data: envData },
      ...{ filename_size: parts[0]!.length, args_size: parts[1]!.length },
      ...{ cwd_size: parts[2]!.length, cgroup_size: parts[3]!.length },
    },
  });
}

/** A part of what is too long for the exec record of `process`. `what`: enum data_what. */
export function dataRecord(data: {
  readonly process: ProcessKey;
  readonly what: number;
  readonly text: string;
}): Buffer {
  const { process, what, text } = data;
  return record(enums.event_kind.EVENT_DATA, process.ktime, [Buffer.from(text)], {
    struct: layout.data_event,
    values: { process, what },
  });
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
  const { process, parent, nspid, uid, flags } = clone;
  return record(enums.event_kind.EVENT_CLONE, process.ktime, [], {
    struct: layout.clone_event,
    values: { process, parent, cgroup_id: clone.cgroupId, tid: process.pid, nspid, uid, flags },
  });
}

/** `code` as wait(2) has it. */
export function exitRecord(exit: {
  readonly process: ProcessKey;
  readonly code: number;
  readonly ktime?: bigint;
}): Buffer {
  const { process, code } = exit;
  return record(enums.event_kind.EVENT_EXIT, exit.ktime ?? 3000n, [], {
    struct: layout.exit_event,
    values: { process, tid: process.pid, code },
  });
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
  const { process, tid, hook: number, action, flags } = hook;
  return record(enums.event_kind.EVENT_HOOK, hook.ktime, hook.args, {
    struct: layout.hook_event,
    values: {
      ...{ process, cgroup_id: hook.cgroupId, tid, hook: number, action, flags },
      args: hook.args.length,
    },
  });
}

/** One struct event_arg with its payload, padded; by enum arg_type. */
export function rawArg(type: number, payload: Uint8Array, flags = 0): Buffer {
  const head = bytesOf(layout.event_arg, { type, flags, size: payload.length });
  return padded([head, payload]);
}

export const intArg = (value: number) => rawArg(enums.arg_type.ARG_INT, int64(BigInt(value)));
export const sizeArg = (value: number) => rawArg(enums.arg_type.ARG_SIZE, int64(BigInt(value)));
export const fileArg = (path: string, mode = 0o100644, flags = 0) =>
  rawArg(enums.arg_type.ARG_FILE, pathPayload(mode, path), flags);
export const programArg = (path: string, flags = 0) =>
  rawArg(enums.arg_type.ARG_LINUX_BINPRM, pathPayload(0o100755, path), flags);
export const fdArg = (path: string, mode = 0o100644) =>
  rawArg(enums.arg_type.ARG_FD, pathPayload(mode, path));
export const bufferArg = (length: number, text: string, flags = 0) =>
  rawArg(
    enums.arg_type.ARG_CHAR_BUF,
    Buffer.concat([bytesOf(layout.char_buf_payload, { size: length }), Buffer.from(text)]),
    flags,
  );
/** What of a buffer comes behind all arguments. */
export const restArg = (text: string) =>
  rawArg(enums.arg_type.ARG_CHAR_BUF, Buffer.from(text), enums.arg_flag.ARG_REST);

/** One event: its fixed part, then `payload`. */
function record<S extends Struct>(
  kind: number,
  ktime: bigint,
  payload: readonly Buffer[],
  { struct, values }: { readonly struct: S; readonly values: Partial<Values<S>> },
): Buffer {
  const fixed = bytesOf(struct, values);
  const size = Buffer.concat(payload).length + fixed.length;
  write(fixed, layout.event_header, { kind, size, ktime });
  return padded([fixed, ...payload]);
}

function padded(parts: readonly Uint8Array[]): Buffer {
  const whole = Buffer.concat(parts);
  return Buffer.concat([whole, Buffer.alloc(-whole.length & 7)]);
}

export function pathPayload(mode: number, path: string): Buffer {
  return Buffer.concat([bytesOf(layout.path_payload, { mode }), Buffer.from(path)]);
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}
