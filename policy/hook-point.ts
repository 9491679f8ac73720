import type { Static } from "typebox";
import {
  bool,
  type Immutable,
  int64,
  literal,
  object,
  optional,
  tagged,
  text,
} from "./schema/dsl.ts";

/** A kernel function, or with `syscall` a system call by its portable name (`sys_write`). */
const kprobe = object({ kind: literal("kprobe"), call: text(), syscall: bool() });

/** Each successful execve, after the new credentials are in force, before its first instruction. */
const exec = object({ kind: literal("exec") });

/** A hook of the kernel's security modules by its own name: `file_open`. */
const lsm = object({ kind: literal("lsm"), hook: text() });

/** Many functions as one: those of the kernel whose names match `pattern`, or without it, every system call. */
const functions = object({ kind: literal("functions"), pattern: optional(text()) });

/**
 * A place in the file `path`, a program or a library: `offset` bytes behind the function `symbol`, or
 * without it in the file; or where the file is loaded at `address`.
 */
const uprobe = object({
  ...{ kind: literal("uprobe"), path: text(), symbol: optional(text()) },
  offset: optional(int64({ minimum: 0 })),
  address: optional(int64({ minimum: 0 })),
  /** Where in the file the program counts who listens to it. */
  refCtrOffset: optional(int64({ minimum: 1 })),
  /** Of which the file must have one (`sha256:0f... build-id:3c...`). */
  digests: optional(text()),
});

/** A place that the authors of the file `path` have marked: each of that name (USDT). */
const usdt = object({ kind: literal("usdt"), path: text(), provider: text(), name: text() });

/** A tracepoint of the kernel, before what its own readers are shown of it: with its parameters as they are. */
const rawTracepoint = object({ kind: literal("rawTracepoint"), subsystem: text(), event: text() });

/** A tracepoint, with the fields that its readers are shown: those of its format file. */
const tracepoint = object({ kind: literal("tracepoint"), subsystem: text(), event: text() });

/** What a hook is on. */
export const hookPoint = tagged("kind", [
  ...([kprobe, exec, lsm, functions, uprobe, usdt, rawTracepoint, tracepoint] as const),
]);
export type HookPoint = Immutable<Static<typeof hookPoint>>;

/** Of one kind. */
export type HookPointOf<Kind extends HookPoint["kind"]> = Extract<HookPoint, { kind: Kind }>;

/** Whether both are the same: a hook point has plain values in its fields. */
export function isSameHookPoint(a: HookPoint, b: HookPoint): boolean {
  const [one, other] = [Object.entries(a), new Map(Object.entries(b))];
  return one.length === other.size && one.every(([name, value]) => other.get(name) === value);
}
