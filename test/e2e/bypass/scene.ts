/** Test support: the files that attempts work on, and what becomes of an attempt. */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { release } from "node:os";
import { dirname } from "node:path";
import { type Cgroup, sh } from "../../../agent/kernel/testing/scene.ts";
import { buildAttempt, buildPreloaded } from "./attempts.ts";
import { place } from "./policies.ts";
import { type Attempt, cgroup as anyCgroup, attempts, type Part } from "./registry.ts";

/** `passed`: it got through. `lacking`: this kernel has no such thing. */
export type Outcome = "stopped" | "passed" | "lacking";

const { attempt, other, tool, dynamicTool, preloaded, folder, image } = place;

/** What attempts find, beside the files that `prepare` makes for each one. */
export function prepareAll(): void {
  mkdirSync("/tmp/bypass", { recursive: true });
  buildAttempt(attempt);
  for (const copy of [other, tool, `${tool}-copy`]) copyFileSync(attempt, copy);
  copyFileSync("/bin/echo", dynamicTool);
  symlinkSync(tool, `${tool}-link`);
  writeFileSync(`${tool}-script`, `#!${tool} hello\n`, { mode: 0o755 });
  linkSync(tool, `${tool}-hardlink`);
  for (let i = 1; i <= 40; i++) symlinkSync(i === 1 ? tool : `${tool}-${i - 1}`, `${tool}-${i}`);
  buildPreloaded(preloaded);
  writeFileSync("/tmp/bypass/hello", "BYPASS\n", { mode: 0o755 });
  if (!missing.includes("binfmt")) registerFormat();
  mkdirSync(`${image}/usr/bin`, { recursive: true });
  copyFileSync(attempt, `${image}/usr/bin/containerd`);
  mkdirSync(image + folder, { recursive: true });
  writeFileSync(`${image}${folder}/x`, "before");
  mkdirSync("/opt/deep");
  mount("/opt/deep"); // the guest's root file system takes no long paths
  copyFileSync(attempt, "/opt/deep/tool");
  for (const { command } of attempts.filter(({ id }) => /^path-\d+$/.test(id))) {
    mkdirSync(dirname(command[1]!), { recursive: true });
    copyFileSync(attempt, command[1]!);
  }
  if (!missing.includes("vsock")) execFileSync("modprobe", ["vsock_loopback"]);
}

/** The parts that this guest's kernel has not. The lab's is built without, Debian's has a parameter. */
export const missing: readonly Part[] = [
  ...(readFileSync("/proc/cmdline", "utf8").includes("syscall.x32=y") ? [] : (["x32"] as const)),
  ...(release().endsWith("-amd64") ? [] : (["xfs", "mptcp", "vsock", "binfmt"] as const)),
];

/** The kernel starts the tool for files that begin so. */
function registerFormat(): void {
  const at = "/proc/sys/fs/binfmt_misc";
  execFileSync("modprobe", ["binfmt_misc"]);
  if (!existsSync(`${at}/register`)) execFileSync("mount", ["-t", "binfmt_misc", "none", at]);
  writeFileSync(`${at}/register`, `:bypass:M::BYPASS::${tool}:`);
}

/** Makes `one` in `cgroup`, on files that are as before. What went wrong otherwise is thrown. */
export async function outcomeOf(one: Attempt, cgroup: Cgroup): Promise<Outcome> {
  const restore = prepare(one);
  const watched = watchedBy(one);
  const fd = watched === undefined ? undefined : openSync(watched, "r");
  try {
    const outside = one.command.some((arg) => arg.includes(anyCgroup));
    const args = one.command.map((arg) => arg.replace(anyCgroup, cgroup.path));
    const script = `exec ${attempt} ${args.join(" ")} 2>&1`;
    const { code, signal, out } = await (outside ? sh(script) : cgroup.sh(script));
    const changed = fd === undefined ? undefined : !isAsBefore(fd);
    if (signal === "SIGKILL") return "stopped";
    if (code === 1 && !changed) return "stopped";
    if (code === 0 && changed !== false) return "passed";
    if (code === 3 && !changed) return "lacking";
    throw new Error(`${script}: code ${code}, signal ${signal}, changed ${changed}: ${out}`);
  } finally {
    if (fd !== undefined) closeSync(fd);
    restore();
  }
}

/** Makes the files anew; the result takes away what is mounted there. */
function prepare({ id }: Attempt): () => void {
  for (const path of [folder, "/opt/aside"]) rmSync(path, { recursive: true, force: true });
  const mounted = mounts[id]?.();
  for (const at of [folder, mounted].filter((path) => path !== undefined)) {
    mkdirSync(at, { recursive: true });
    writeFileSync(`${at}/x`, "before");
    writeFileSync(`${at}/source`, "source");
  }
  return () => {
    if (mounted !== undefined) execFileSync("umount", ["-l", mounted]);
  };
}

/** File systems of their own that attempts need, by id: where they are. */
const mounts: Readonly<Record<string, () => string>> = {
  deep: () => mount(`${folder}/deep`),
  "detached-volume": () => mount(`${folder}/volume`),
  // Without XFS a file system that has no such call.
  clone: () => mount(`${folder}/xfs`, missing.includes("xfs") ? undefined : xfsImage()),
};

function mount(at: string, image?: string): string {
  mkdirSync(at, { recursive: true });
  const what = image === undefined ? ["-t", "tmpfs", "tmpfs"] : ["-o", "loop", image];
  execFileSync("mount", [...what, at]);
  return at;
}

/** A file system in which files can share their blocks. */
function xfsImage(): string {
  const path = "/tmp/bypass/xfs.img";
  if (existsSync(path)) return path;
  writeFileSync(path, "");
  truncateSync(path, 320 * 1024 * 1024);
  execFileSync("mkfs.xfs", ["-q", path]);
  execFileSync("modprobe", ["-a", "loop", "xfs"]);
  return path;
}

/** The file that an attempt changes when it gets through. */
function watchedBy({ id, group }: Attempt): string | undefined {
  if (!["writes", "paths", "descriptors"].includes(group)) return undefined;
  if (id === "deep") return undefined; // its file is made by the attempt
  if (id === "clone") return `${folder}/xfs/x`;
  return id === "detached-volume" ? `${folder}/volume/x` : `${folder}/x`;
}

function isAsBefore(fd: number): boolean {
  const bytes = Buffer.alloc(16);
  return bytes.toString("utf8", 0, readSync(fd, bytes, 0, bytes.length, 0)) === "before";
}
