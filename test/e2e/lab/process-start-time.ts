import { readFileSync } from "node:fs";

/**
 * When process `pid` started, in clock ticks since boot (field 22 of /proc/PID/stat): with the id
 * it names one process for good. Undefined for a zombie or where there is no such process.
 */
export function processStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
