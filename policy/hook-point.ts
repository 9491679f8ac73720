import type { Static } from "typebox";
import { bool, type Immutable, literal, object, tagged, text } from "./schema/dsl.ts";

/** A kernel function, or with `syscall` a system call by its portable name (`sys_write`). */
const kprobe = object({ kind: literal("kprobe"), call: text(), syscall: bool() });

/** Each successful execve, after the new credentials are in force, before its first instruction. */
const exec = object({ kind: literal("exec") });

/** What a hook is on. */
export const hookPoint = tagged("kind", [kprobe, exec]);
export type HookPoint = Immutable<Static<typeof hookPoint>>;
