import type { Clock } from "@guardbee/kube";
import type { Logger } from "pino";
import type { Native } from "./native.ts";

/** enum loss of bpf/types.h, in its order. */
export const lossCauses = [
  "ring_exec",
  "ring_clone",
  "ring_exit",
  "ring_hook",
  "path_too_deep",
  "follow_full",
  "process_storage",
  "cgroup_full",
  "matches",
] as const;
/**
 * ring_*: an event of that kind found the ring full. path_too_deep: a path has more components than
 * are walked. follow_full, process_storage, cgroup_full: no room for a followed file, a process's
 * record, a new cgroup's class. matches: more policies matched a call than are walked.
 */
export type LossCause = (typeof lossCauses)[number];
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

const WATCH_MS = 10_000;

/** Warns of what was lost since it last looked, every ten seconds until `signal` aborts. */
export async function watchLosses(
  { read, clock, log }: { read: () => Losses; clock: Clock; log: Logger },
  signal: AbortSignal,
): Promise<void> {
  let before = read();
  try {
    for (;;) {
      await clock.sleep(WATCH_MS, signal);
      const now = read();
      const lost = lossCauses.filter((cause) => now[cause] > before[cause]);
      if (lost.length > 0) {
        const counts = lost.map((cause) => [cause, Number(now[cause] - before[cause])]);
        log.warn({ lost: Object.fromEntries(counts) }, "the kernel lost what it should report");
      }
      before = now;
    }
  } catch (error) {
    if (error !== signal.reason) throw error; // abort is the normal end
  }
}
