import { enums } from "../gen/layout.ts";
import type { Native } from "./native.ts";

/** The names in enum loss. */
type LossName = Exclude<keyof typeof enums.loss, "LOSS_MAX">;
type Cause<Name> = Name extends `LOSS_${infer Rest}` ? Lowercase<Rest> : never;

const { LOSS_MAX: _, ...codes } = enums.loss;
/** By their numbers, from 0. */
export const lossCauses = Object.entries(codes)
  .sort(([, a], [, b]) => a - b)
  .map(([name]) => name.slice("LOSS_".length).toLowerCase() as Cause<LossName>);
/**
 * ring_*: an event of that kind found its ring full. share_*: the ring was more than half full and
 * the event's cgroup had added its share of it. path_too_deep: a path has more components than
 * are walked. follow_full, process_storage, cgroup_full: no room for a followed file, a process's
 * record, a new cgroup's class. matches: more policies matched a call than are walked.
 * calls: more calls of a hook were interrupted on one processor than it has memory for.
 * return_full: no room for an event until its call returns, so it went out before.
 * aggregated, rate_limited: the action Aggregate, or the rateLimit of Post, held the event back, as its
 * policy says.
 */
export type LossCause = Cause<LossName>;
/** How often each happened since the kernel maps were made; they outlive the agent. */
export type Losses = Readonly<Record<LossCause, bigint>>;

/** Reads the per-CPU map `losses`. Throws KernelError. */
export function readLosses(native: Native, fd: number): Losses {
  const value = Buffer.alloc(8 * native.possibleCpus());
  const count = (index: number): bigint => {
    native.lookup(fd, Buffer.from(Uint32Array.of(index).buffer), value);
    let sum = 0n;
    for (let at = 0; at < value.length; at += 8) sum += value.readBigUInt64LE(at);
    return sum;
  };
  return Object.fromEntries(lossCauses.map((cause, index) => [cause, count(index)])) as Losses;
}
