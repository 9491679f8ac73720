import {
  type Condition,
  type Hook,
  hashSets,
  type Scope,
  type SelectorSet,
  setName,
} from "@guardbee/policy";
import type { NamedSet, Scopes } from "../../agent/engine.ts";

type Compared = Extract<Condition, { by: "arg" }>;

const everywhere: Scope = { host: true, pods: {} };
const write = { kind: "kprobe", call: "sys_write", syscall: true } as const;
const filePermission = {
  kind: "kprobe",
  call: "security_file_permission",
  syscall: false,
} as const;

/** `count` policies on write, the n-th for descriptor `first + n`. */
export function onWrittenFd(count: number, first: number): readonly NamedSet[] {
  return many(count, (number) => ({
    on: write,
    args: [{ index: 0, type: "int" }],
    selectors: [select({ by: "arg", arg: 0, op: "Equal", values: [String(first + number)] })],
  }));
}

/** System calls whose first argument is a descriptor. */
const ofDescriptors = [
  ...["read", "write", "close", "lseek", "fsync", "fdatasync", "dup", "ftruncate", "fchmod"],
  ...["flock", "getdents64", "ioctl", "fcntl", "pread64", "pwrite64", "readv", "writev"],
  ...["fallocate", "fchown", "fchdir"],
];

/** `count` policies on 20 system calls, in turn, the n-th for descriptor `first + n`. */
export function onManyCalls(count: number, first: number): readonly NamedSet[] {
  return many(count, (number) => ({
    on: {
      kind: "kprobe",
      call: `sys_${ofDescriptors[number % ofDescriptors.length]}`,
      syscall: true,
    },
    args: [{ index: 0, type: "int" }],
    selectors: [select({ by: "arg", arg: 0, op: "Equal", values: [String(first + number)] })],
  }));
}

/** Policies of 100 selectors each on write, `count` in all, the n-th for descriptor `first + n`. */
export function onManyFds(count: number, first: number): readonly NamedSet[] {
  return many(count / 100, (number) => ({
    on: write,
    args: [{ index: 0, type: "int" }],
    selectors: Array.from({ length: 100 }, (_, n) => {
      const value = String(first + 100 * number + n);
      return select({ by: "arg", arg: 0, op: "Equal", values: [value] });
    }),
  }));
}

/** `count` policies on write, each for an executable that does not exist. */
export function onBinary(count: number): readonly NamedSet[] {
  return many(count, (number) => ({
    on: write,
    args: [],
    selectors: [select({ by: "binary", op: "In", values: [`/usr/bin/absent-${number}`] })],
  }));
}

/** `count` policies on security_file_permission, each for a folder that does not exist. */
export function onFilePrefix(count: number): readonly NamedSet[] {
  return onFile(count, (number) => ({ op: "Prefix", values: [`/etc/secret-${number}/`] }));
}

/** The same, each for paths that end as none does. */
export function onFilePostfix(count: number): readonly NamedSet[] {
  return onFile(count, (number) => ({ op: "Postfix", values: [`/secret-${number}.key`] }));
}

/** The same, each for paths with a text in them that none has. */
export function onFileSubstring(count: number): readonly NamedSet[] {
  return onFile(count, (number) => ({ op: "SubString", values: [`secret-${number}-`] }));
}

function onFile(
  count: number,
  compared: (number: number) => Pick<Compared, "op" | "values">,
): readonly NamedSet[] {
  return many(count, (number) => ({
    on: filePermission,
    args: [{ index: 0, type: "file" }],
    selectors: [select({ by: "arg", arg: 0, ...compared(number) })],
  }));
}

/** `count` policies on write, each for sizes of its own, of which none is one byte. */
export function onWrittenSize(count: number): readonly NamedSet[] {
  return many(count, (number) => ({
    on: write,
    args: [{ index: 2, type: "size_t" }],
    selectors: [
      select({
        by: "arg",
        arg: 0,
        op: "InRange",
        values: [`${10 * number + 10}:${10 * number + 15}`],
      }),
    ],
  }));
}

/** `count` policies on connections, each for a network of its own, of which none is loopback. */
export function onConnect(count: number): readonly NamedSet[] {
  return many(count, (number) => ({
    on: { kind: "kprobe", call: "security_socket_connect", syscall: false },
    args: [{ index: 1, type: "sockaddr" }],
    selectors: [
      select({
        by: "arg",
        arg: 0,
        op: "SAddr",
        values: [`10.${number >> 8}.${number & 255}.0/24`],
      }),
    ],
  }));
}

/** One on write that reports what it returned, of another descriptor than is written to. */
export function onReturn(fd: number): readonly NamedSet[] {
  return onWrittenFd(1, fd).map(({ set }) =>
    named({ ...set, hooks: set.hooks.map((hook) => ({ ...hook, returned: { type: "int" } })) }),
  );
}

/** One that counts writes to `fd`. */
export function onAggregate(fd: number): readonly NamedSet[] {
  return onWrittenFd(1, fd).map(({ set }) =>
    named({
      ...set,
      hooks: set.hooks.map((hook) => ({
        ...hook,
        selectors: hook.selectors.map((selector) => ({
          ...selector,
          actions: [{ action: "Aggregate" as const, window: 3600 }],
        })),
      })),
    }),
  );
}

/** 24 on write, each of which reads it in another way, and compares that with what it is not. */
export function onReadings(): readonly NamedSet[] {
  const types = ["int", "uint32", "int64", "uint64", "size_t", "int8", "uint8", "int16"] as const;
  const readings = [0, 2, 3].flatMap((index) => types.map((type) => ({ index, type })));
  return many(readings.length, (number) => ({
    on: write,
    args: [readings[number]!],
    selectors: [select({ by: "arg", arg: 0, op: "Equal", values: ["99"] })],
  }));
}

/** One on write and 299 functions that are not called meanwhile, for a parameter that it never has. */
export function onList(functions: readonly string[]): readonly NamedSet[] {
  return many(1, () => ({
    on: { kind: "functions", pattern: `^(${functions.join("|")})$` },
    args: [{ index: 0, type: "uint64" }],
    selectors: [select({ by: "arg", arg: 0, op: "Equal", values: ["1"] })],
  }));
}

/** All of `sets` in force for host processes, and nothing else. */
export function onHost(sets: readonly NamedSet[]): Scopes {
  return { host: sets.map(({ name }) => name).sort(), podRoots: [], unknownPods: [], cgroups: [] };
}

function select(condition: Condition): Hook["selectors"][number] {
  return { conditions: [condition], actions: [] };
}

function many(count: number, hookOf: (number: number) => Hook): readonly NamedSet[] {
  return Array.from({ length: count }, (_, number) => {
    return named({
      policy: { kind: "TracingPolicy", name: `bench-${number}` },
      mode: "enforce",
      scope: everywhere,
      hooks: [hookOf(number)],
    });
  });
}

function named(set: SelectorSet): NamedSet {
  return { name: setName(set.policy), hash: hashSets([set]), set };
}
