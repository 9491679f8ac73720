import { readFileSync } from "node:fs";
import { enums, layout } from "../gen/layout.ts";
import { read, write } from "../layout/struct.ts";
import type { Native } from "./native.ts";
import { u32 } from "./pinned-ids.ts";

const { PROCESS_AGENT, PROCESS_LATE } = enums.process_flag;

/**
 * Marks the process that runs this as the agent, which is in no scope, in the kernel's record of it.
 * The mark goes with the task: whoever gets its pid later has a record of their own. Throws
 * KernelError.
 */
export function markOwnTask(native: Native, processMap: number): void {
  const pidfd = native.pidfdOpen(process.pid);
  try {
    const key = u32(pidfd);
    const record = new Uint8Array(layout.process_info.size);
    if (!native.lookup(processMap, key, record)) {
      // It was running before process tracking was.
      const own = { pid: process.pid, ktime: ownStart(), zero: 0 };
      write(record, layout.process_info, { key: own, flags: PROCESS_LATE });
    }
    const flags = read(record, layout.process_info).flags | PROCESS_AGENT;
    write(record, layout.process_info, { flags });
    native.update(processMap, key, record);
  } finally {
    native.closeFd(pidfd);
  }
}

/** Whether the mark is there. Throws KernelError. */
export function isOwnTaskMarked(native: Native, processMap: number): boolean {
  const pidfd = native.pidfdOpen(process.pid);
  try {
    const record = new Uint8Array(layout.process_info.size);
    const isKnown = native.lookup(processMap, u32(pidfd), record);
    return isKnown && (read(record, layout.process_info).flags & PROCESS_AGENT) !== 0;
  } finally {
    native.closeFd(pidfd);
  }
}

/** When this process started, in nanoseconds since boot, to the 10 ms that proc(5) tells. */
function ownStart(): bigint {
  const stat = readFileSync("/proc/self/stat", "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return BigInt(fields[19]!) * 10_000_000n;
}
