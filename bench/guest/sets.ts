import {
  type Condition,
  type Hook,
  hashSets,
  type Scope,
  type SelectorSet,
  setName,
} from "@guardbee/policy";
import type { NamedSet, Scopes } from "../../agent/engine.ts";

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
  return many(count, (number) => ({
    on: filePermission,
    args: [{ index: 0, type: "file" }],
    selectors: [select({ by: "arg", arg: 0, op: "Prefix", values: [`/etc/secret-${number}/`] })],
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
    const set: SelectorSet = {
      policy: { kind: "TracingPolicy", name: `bench-${number}` },
      mode: "enforce",
      scope: everywhere,
      hooks: [hookOf(number)],
    };
    return { name: setName(set.policy), hash: hashSets([set]), set };
  });
}
