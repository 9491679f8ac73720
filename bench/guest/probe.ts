import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A compiled file of `bench/probe`. */
export function probeFile(name: "probe" | "tiny" | "empty.bpf.o"): string {
  return fileURLToPath(new URL(`../build/${name}`, import.meta.url));
}
/** The descriptor that the probe writes to; policies that are not to match name others. */
export const writtenFd = 77;

/** Descriptors from here on are open in no process of the benchmark. */
export const unusedFd = 100_000;

/**
 * Instructions of one write(2), the least of ten rounds, to /dev/null or what is the same at `path`. This
 * process is stopped meanwhile.
 */
export function countWrite(cgroup = rootCgroup, path = "/dev/null"): number {
  return run(["write", "2000", "10", String(writtenFd), path], cgroup).least;
}

/** Instructions of one connect(2) to loopback, which sends nothing. */
export function countConnect(): number {
  return run(["connect", "2000", "10", "9"], rootCgroup).least;
}

/** Instructions of one fork, exec and exit: in the middle one of five probes, the mean of all. */
export function countExec(cgroup = rootCgroup): number {
  const args = ["exec", "100", "5", probeFile("tiny")];
  const means = Array.from({ length: 5 }, () => run(args, cgroup).mean);
  return means.sort((a, b) => a - b)[2]!;
}

/** What `countExec` starts in a cgroup. */
export function programsOfExec(): readonly string[] {
  return ["/usr/bin/setarch", probeFile("probe"), probeFile("tiny")];
}

/** Charging memory to a cgroup costs too, so the probe leaves that of this process. */
const rootCgroup = "/sys/fs/cgroup";

function run(args: readonly string[], cgroup: string): { least: number; mean: number } {
  // Random addresses make page tables, and so fork and exit, differ from run to run.
  const script = `echo $$ >${cgroup}/cgroup.procs && exec setarch -R "$0" "$@"`;
  const command = ["-c", script, probeFile("probe"), ...args];
  const result = spawnSync("/bin/sh", command, { encoding: "utf8" });
  const [least, mean] = result.stdout.split(" ").map(Number);
  if (result.status !== 0 || least === undefined || mean === undefined || Number.isNaN(mean)) {
    throw new Error(`probe ${args.join(" ")}: exit ${result.status}: ${result.stderr}`);
  }
  return { least, mean };
}
