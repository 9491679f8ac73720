/** Test support: the calls that random sets hook, how their arguments are read, and what they are given. */
import fc from "fast-check";
import type { Returned } from "../returned.ts";
import type { Arg, HookPoint } from "../selector-set.ts";
import type { Network } from "./arbitrary-network.ts";
import { partsOf } from "./arbitrary-parts.ts";
import { argsOfParent, ofTask, resolvedFrom } from "./arbitrary-paths.ts";
import type { ExecFacts, OpenFile, Parameter } from "./parameter.ts";

/** A call that sets hook here, and how its arguments can be read. */
export type Shape = {
  readonly on: HookPoint;
  readonly args: readonly (readonly Arg[])[];
  /** Position in every entry of `args` of the descriptor and the opened file, where there is one. */
  readonly ends?: "follow" | "unfollow";
  /** The same of a socket. */
  readonly sock?: number;
  /** As what the value that it returns may be read; none: it returns none. */
  readonly returned?: readonly Returned[];
  /** What it is called with. */
  readonly parameters: (drawn: Drawn) => readonly Parameter[];
  /** What the paths of its arguments lead to, by `pathKey`. */
  readonly resolved?: (drawn: Drawn) => ReadonlyMap<string, Parameter>;
};

/** Of which a call's parameters are made. */
export type Drawn = {
  readonly opened: OpenFile;
  readonly first: bigint;
  readonly second: bigint;
  readonly bytes: string | undefined;
  /** Where bytes in several parts are cut. */
  readonly cuts: readonly number[];
  readonly network: Network;
  /** undefined: they cannot be read. */
  readonly capabilities: bigint | undefined;
  readonly exec: ExecFacts;
};

const int = { index: 0, type: "int" } as const;
const fd = { index: 0, type: "fd" } as const;
const charBuf = { index: 1, type: "char_buf", sizeArgIndex: 3 } as const;
const charIovec = { index: 1, type: "char_iovec", sizeArgIndex: 3 } as const;
const iovIter = { index: 1, type: "iov_iter" } as const;
const string = { index: 1, type: "string" } as const;
const size = { index: 2, type: "size_t" } as const;

const numbers: readonly Returned[] = [{ type: "int" }, { type: "int64" }, { type: "size_t" }];

/** The first four fields of each tracepoint. */
const commonFields = Array.from({ length: 4 }, () => number(0n));

export const shapes: readonly Shape[] = [
  {
    on: { kind: "kprobe", call: "fd_install", syscall: false },
    args: [[int, { index: 1, type: "file" }]],
    ends: "follow",
    parameters: ({ first, opened }) => [number(first), { kind: "file", file: opened }],
  },
  {
    on: { kind: "kprobe", call: "sys_close", syscall: true },
    args: [[int]],
    ends: "unfollow",
    parameters: ({ first, second }) => [number(first), number(second)],
  },
  {
    on: { kind: "kprobe", call: "sys_write", syscall: true },
    returned: numbers,
    args: [
      ...[[int], [fd], [fd, charBuf, size], [int, size], [{ index: 0, type: "uint32" }, charBuf]],
      ...[
        [fd, string],
        [string, charBuf],
        [
          { index: 0, type: "int8" },
          { index: 2, type: "uint8" },
        ],
        [{ ...charBuf, maxData: true }, size],
        [fd, ofTask("string", "comm")],
        [ofTask("string", "real_parent.comm"), ofTask("int", "exit_signal"), charBuf],
      ],
    ] as const,
    resolved: resolvedFrom,
    parameters: ({ first, bytes }) => [
      number(first),
      buffer(bytes === undefined ? undefined : new TextEncoder().encode(bytes)),
      number(BigInt(bytes?.length ?? 0)),
    ],
  },
  {
    on: { kind: "kprobe", call: "sys_pwritev", syscall: true },
    returned: numbers,
    args: [[fd, charIovec], [{ ...charIovec, maxData: true }, size], [charIovec]],
    parameters: ({ first, bytes, cuts }) => {
      const parts = partsOf(bytes, cuts);
      return [
        number(first),
        parts === undefined ? { kind: "iovec" } : { kind: "iovec", parts },
        number(BigInt(parts?.length ?? 1)),
      ];
    },
  },
  {
    on: { kind: "kprobe", call: "sock_write_iter", syscall: false },
    args: [[iovIter], [{ ...iovIter, maxData: true }]],
    parameters: ({ first, bytes, cuts }) => {
      const parts = partsOf(bytes, cuts);
      return [
        number(first),
        parts === undefined ? { kind: "iov_iter" } : { kind: "iov_iter", parts },
      ];
    },
  },
  {
    on: { kind: "kprobe", call: "sys_lseek", syscall: true },
    returned: numbers,
    args: [
      [int, { index: 1, type: "int64" }],
      [fd, { index: 1, type: "uint64" }],
      [int, ofTask("string", "comm")],
      [ofTask("uint64", "jobctl"), ofTask("int", "exit_signal")],
      [
        { index: 0, type: "uint16" },
        { index: 1, type: "int16" },
      ],
    ],
    resolved: resolvedFrom,
    parameters: ({ first, second }) => [number(first), number(second)],
  },
  {
    on: { kind: "kprobe", call: "security_ptrace_traceme", syscall: false },
    args: argsOfParent,
    resolved: resolvedFrom,
    parameters: () => [{ kind: "area" }],
  },
  {
    on: { kind: "kprobe", call: "security_capset", syscall: false },
    args: [
      [
        { index: 2, type: "cap_effective" },
        { index: 3, type: "cap_inheritable" },
      ],
      [
        { index: 3, type: "cap_permitted" },
        { index: 2, type: "kernel_cap_t" },
      ],
      [{ index: 1, type: "capability" }],
      [
        { index: 2, type: "cap_effective" },
        { index: 3, type: "cap_inheritable" },
      ],
    ],
    parameters: ({ first, second, capabilities }) => [
      ...[number(first), number(second)],
      capabilities === undefined
        ? { kind: "capabilities" }
        : { kind: "capabilities", bits: capabilities },
      { kind: "capabilities", bits: 1n },
    ],
  },
  { on: { kind: "exec" }, args: [[]], parameters: () => [] },
  {
    on: { kind: "uprobe", path: "/lib/oracle.so", symbol: "oracle_call" },
    args: [
      [int],
      [fd, charBuf, size],
      [string, { index: 0, type: "int64" }],
      [{ index: 2, type: "uint64" }],
    ],
    parameters: ({ first, bytes }) => [
      number(first),
      buffer(bytes === undefined ? undefined : new TextEncoder().encode(bytes)),
      number(BigInt(bytes?.length ?? 0)),
    ],
  },
  {
    on: { kind: "usdt", path: "/lib/oracle.so", provider: "oracle", name: "call" },
    args: [[int], [fd, charBuf, size], [string, { index: 0, type: "int64" }]],
    parameters: ({ first, second, bytes }) => [
      second === 5n ? { kind: "unread" } : number(first),
      second === 1n
        ? { kind: "unread" }
        : buffer(bytes === undefined ? undefined : new TextEncoder().encode(bytes)),
      second === 0n ? { kind: "unread" } : number(BigInt(bytes?.length ?? 0)),
    ],
  },
  {
    on: { kind: "lsm", hook: "file_fcntl" },
    args: [
      [{ index: 0, type: "file" }],
      [
        { index: 0, type: "file" },
        { index: 1, type: "uint32" },
        { index: 2, type: "uint64" },
      ],
    ],
    parameters: ({ first, second, opened }) => [
      { kind: "file", file: opened },
      number(first),
      number(second),
    ],
  },
  {
    on: { kind: "rawTracepoint", subsystem: "task", event: "task_rename" },
    args: [[string], []],
    parameters: ({ first, bytes }) => [
      number(first),
      buffer(bytes === undefined ? undefined : new TextEncoder().encode(bytes)),
    ],
  },
  {
    on: { kind: "tracepoint", subsystem: "task", event: "task_rename" },
    args: [
      [{ index: 6, type: "data_loc" }],
      [
        { index: 7, type: "int16" },
        { index: 6, type: "data_loc" },
      ],
    ],
    parameters: ({ first, second, bytes }) => [
      ...[...commonFields, number(first), buffer(new Uint8Array())],
      buffer(new TextEncoder().encode(bytes ?? "").slice(0, 15)), // with its end it has room for 16
      number(BigInt.asUintN(16, second)),
    ],
  },
  {
    on: { kind: "tracepoint", subsystem: "sched", event: "sched_process_exec" },
    args: [[{ index: 4, type: "data_loc" }], [{ index: 5, type: "int" }]],
    parameters: ({ bytes, first }) => [
      ...commonFields,
      buffer(new TextEncoder().encode(bytes ?? "")), // a record can always be read
      number(first),
    ],
  },
  {
    on: { kind: "kprobe", call: "vfs_truncate", syscall: false },
    args: [[{ index: 0, type: "path" }]],
    parameters: ({ opened }) => [{ kind: "struct", name: "path", file: opened }],
  },
  {
    on: { kind: "kprobe", call: "security_inode_unlink", syscall: false },
    args: [[{ index: 1, type: "dentry" }]],
    // Of a name there is a file system, but no mount.
    parameters: ({ opened: { isDetached: _, ...file }, first }) => [
      number(first),
      { kind: "struct", name: "dentry", file },
    ],
  },
  {
    on: { kind: "kprobe", call: "generic_write_checks", syscall: false },
    args: [[{ index: 0, type: "kiocb" }]],
    parameters: ({ opened }) => [{ kind: "struct", name: "kiocb", file: opened }],
  },
  {
    on: { kind: "kprobe", call: "bprm_change_interp", syscall: false },
    args: [[{ index: 1, type: "linux_binprm" }]],
    parameters: ({ opened, first, exec }) => [
      number(first),
      { kind: "struct", name: "linux_binprm", file: opened, exec },
    ],
  },
  {
    on: { kind: "lsm", hook: "bprm_check_security" },
    args: [[{ index: 0, type: "linux_binprm" }]],
    parameters: ({ opened, exec }) => [
      { kind: "struct", name: "linux_binprm", file: opened, exec },
    ],
  },
  {
    on: { kind: "kprobe", call: "do_rmdir", syscall: false },
    args: [[{ index: 1, type: "filename" }]],
    parameters: ({ first, bytes }) => [
      number(first),
      bytes === undefined
        ? { kind: "filename" }
        : { kind: "filename", bytes: new TextEncoder().encode(bytes) },
    ],
  },
  {
    on: { kind: "lsm", hook: "socket_bind" },
    args: [
      [
        { index: 0, type: "socket" },
        { index: 1, type: "sockaddr" },
      ],
      [
        { index: 1, type: "sockaddr" },
        { index: 2, type: "int" },
      ],
    ],
    parameters: ({ network }) => [
      network.sock === undefined ? { kind: "socket" } : { kind: "socket", sock: network.sock },
      buffer(network.address),
      number(BigInt(network.address?.length ?? 0)),
    ],
  },
  {
    on: { kind: "kprobe", call: "tcp_connect", syscall: false },
    args: [[{ index: 0, type: "sock" }]],
    sock: 0,
    returned: numbers,
    parameters: ({ network: { sock } }) => [
      sock === undefined ? { kind: "sock" } : { kind: "sock", sock },
    ],
  },
  {
    on: { kind: "kprobe", call: "security_socket_listen", syscall: false },
    args: [[{ index: 0, type: "socket" }]],
    sock: 0,
    parameters: ({ network: { sock } }) => [
      sock === undefined ? { kind: "socket" } : { kind: "socket", sock },
    ],
  },
  {
    on: { kind: "kprobe", call: "dev_hard_start_xmit", syscall: false },
    args: [
      [{ index: 0, type: "skb" }],
      [
        { index: 0, type: "skb" },
        { index: 1, type: "net_device" },
      ],
    ],
    parameters: ({ network: { packet, device } }) => [
      packet === undefined ? { kind: "skb" } : { kind: "skb", packet },
      device === undefined ? { kind: "net_device" } : { kind: "net_device", name: device },
    ],
  },
];

function buffer(bytes: Uint8Array | undefined): Parameter {
  return bytes === undefined ? { kind: "buffer" } : { kind: "buffer", bytes };
}

export function number(value: bigint): Parameter {
  return { kind: "number", value };
}

/** What many types and actions meet on is drawn more often, so that hooks and calls meet, too. */
export const anyShape = fc.constantFrom(
  ...shapes,
  ...[1, 2, 3].flatMap(() =>
    shapes.filter(
      ({ args, ends }) => ends !== undefined || args.length > 3 || args[0]!.length === 0,
    ),
  ),
);
