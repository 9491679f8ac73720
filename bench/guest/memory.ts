import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const cgroup = "/sys/fs/cgroup/bench-agent";

/** Moves this process into a cgroup of its own, so that what it makes the kernel hold is counted. */
export function enterOwnCgroup(): void {
  writeFileSync("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
  mkdirSync(cgroup, { recursive: true });
  writeFileSync(`${cgroup}/cgroup.procs`, String(process.pid));
}

/** Bytes that every BPF map and program is reported to take. */
export function reportedBytes(): number {
  const kinds = ["map", "prog"].map((kind) => {
    const { stdout } = spawnSync("bpftool", ["-j", kind, "show"], { maxBuffer: 1 << 26 });
    return JSON.parse(stdout.toString()) as { bytes_memlock?: number }[];
  });
  return kinds.flat().reduce((sum, { bytes_memlock }) => sum + (bytes_memlock ?? 0), 0);
}

/** Bytes of kernel memory charged to this process's cgroup. */
export function chargedBytes(): number {
  const stat = readFileSync(`${cgroup}/memory.stat`, "utf8");
  const line = stat.match(/^kernel (\d+)$/m);
  if (line === null) throw new Error(`${cgroup}/memory.stat has no line "kernel"`);
  return Number(line[1]);
}
