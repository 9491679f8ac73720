/** Test support: a container without a runtime: a root folder on overlayfs, and a cgroup. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { Cgroup, type Ended, run } from "../../../agent/kernel/testing/scene.ts";
import { ensureBuilt } from "../lab/build.ts";
import { buildAttempt } from "./attempts.ts";

const base = "/tmp/image";
const attempt = "/tmp/image-attempt";

/** Programs of the image: a shell and its tools, the helper that makes attempts, and another copy of it. */
const tools = [
  "sh",
  "cp",
  "mv",
  "ln",
  "rm",
  "cat",
  "chmod",
  "mount",
  "umount",
  "mkdir",
  "sleep",
  "ash",
  "env",
];

/** What runs in it is in its cgroup from its first program on. */
export class Image {
  readonly cgroup = new Cgroup("/sys/fs/cgroup/guardbee-image");

  /** `script` in a shell of the image, as the container's first program. */
  sh(script: string): Promise<Ended> {
    return this.run("/bin/sh", "-c", `exec 2>&1; ${script}`);
  }

  /** A program of the image as the container's first; the answer's `code` is 126 when it may not run. */
  run(...command: readonly string[]): Promise<Ended> {
    const start = [
      `exec 3>${this.cgroup.path}/cgroup.procs`,
      `mount --bind ${base}/root ${base}/root && cd ${base}/root`,
      `mount -t proc proc proc && mount -t tmpfs tmpfs volume && mount --bind /sys/fs/cgroup cgroup`,
      "pivot_root . old && /bin/umount -l /old",
      'echo 0 >&3; exec 3>&-; exec "$@"',
    ].join(" && ");
    return run(
      "unshare",
      "-m",
      "--propagation",
      "private",
      "/bin/sh",
      "-c",
      start,
      "sh",
      ...command,
    );
  }

  close(): void {
    execFileSync("umount", ["-l", base]);
  }
}

/** Where the container's root folder is on the guest. */
export const imageRoot = `${base}/root`;

/**
 * Makes one; `scripts` are more programs of the image, each its text by its path. `disk`: its layers are
 * on a file system of a disk, and not in memory.
 */
export async function openImage(
  scripts: Readonly<Record<string, string>> = {},
  { disk = false }: { readonly disk?: boolean } = {},
): Promise<Image> {
  const { busybox } = await ensureBuilt(["busybox"]);
  rmSync(base, { recursive: true, force: true });
  mkdirSync(base);
  if (disk) mountDisk(base);
  else execFileSync("mount", ["-t", "tmpfs", "tmpfs", base]);
  for (const folder of ["lower", "upper", "work", "root"]) mkdirSync(`${base}/${folder}`);
  for (const folder of ["bin", "srv/app/bin", "tmp", "proc", "old", "volume", "cgroup", "dev"]) {
    mkdirSync(`${base}/lower/${folder}`, { recursive: true });
  }
  execFileSync("mknod", [`${base}/lower/dev/null`, "c", "1", "3"]);
  for (const tool of tools) copyFileSync(busybox!, `${base}/lower/bin/${tool}`);
  if (!existsSync(attempt)) buildAttempt(attempt);
  copyFileSync(attempt, `${base}/lower/bin/attempt`);
  copyFileSync(`${base}/lower/bin/attempt`, `${base}/lower/bin/other`);
  copyFileSync(`${base}/lower/bin/attempt`, `${base}/lower/srv/app/bin/run`);
  for (const [path, text] of Object.entries(scripts)) {
    writeFileSync(`${base}/lower${path}`, text);
    chmodSync(`${base}/lower${path}`, 0o755);
  }
  const options = ["lower", "upper", "work"].map((name) => `${name}dir=${base}/${name}`);
  execFileSync("mount", ["-t", "overlay", "-o", options.join(), "overlay", `${base}/root`]);
  return new Image();
}

/** A new ext4, in a file. */
function mountDisk(at: string): void {
  const file = "/tmp/image-disk";
  rmSync(file, { force: true });
  execFileSync("truncate", ["-s", "256M", file]);
  execFileSync("mkfs.ext4", ["-q", file]);
  spawnSync("modprobe", ["loop"]); // or it is compiled in
  execFileSync("mount", ["-t", "ext4", "-o", "loop", file, at]);
}
