import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { layoutImage } from "../../../../build/images/oci.ts";
import { elapsed } from "../../../../build/progress.ts";
import { cacheRoot, hashParts, itemHash } from "../../../../build/tools/cache.ts";
import { ensureBuilt } from "../build.ts";
import { ensureImageTar, imageSpecs } from "../images.ts";
import { itemNamed } from "../items.ts";
import { tell, waitFor } from "../progress.ts";
import { run } from "../run.ts";

/** The items whose programs a node runs from its disk: 9p would make them slow to start. */
const programItems = ["kubernetes", "containerd", "runc", "cni", "execd"];
const programs = [
  ...["kubelet", "containerd", "containerd-shim-runc-v2", "ctr", "runc", "execd"],
  ...["bridge", "host-local", "loopback"],
];

/** How many disks of earlier images the cache keeps. */
const keptDisks = 2;

/**
 * The disk that every node starts from, ext4, sparse: `bin/` with the node's programs and
 * `containerd/`, containerd's root with the images already imported and unpacked. Made on the
 * host, because importing in an emulated guest takes minutes. Cached by images and programs.
 */
export async function ensureDisk(appRoot: string): Promise<string> {
  const specs = await imageSpecs(appRoot);
  const built = await ensureBuilt(programItems);
  const digests = specs.map((spec) => layoutImage(spec).digest);
  const hash = hashParts([...digests, ...programItems.map((name) => itemHash(itemNamed(name)))]);
  const disk = join(cacheRoot(), "disks", `node-${hash.slice(0, 12)}.img`);
  if (existsSync(disk)) return disk;
  mkdirSync(join(cacheRoot(), "disks"), { recursive: true });
  const startedAt = performance.now();
  tell("node disk: importing the images and making the file system; about 15 s");
  const work = mkdtempSync(join(cacheRoot(), "disks", "work-"));
  try {
    for (const dir of ["tree/bin", "tree/containerd", "run"])
      mkdirSync(join(work, dir), { recursive: true });
    const copies = programs.map((name) => built[name]!);
    await must(["cp", ...copies, join(work, "tree/bin")]);
    await importImages(work, specs.map(ensureImageTar));
    await must(["truncate", "-s", "8G", join(work, "disk")]);
    const features = ["-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard"];
    await must([
      "mkfs.ext4",
      "-q",
      "-F",
      ...features,
      "-d",
      join(work, "tree"),
      join(work, "disk"),
    ]);
    renameSync(join(work, "disk"), disk);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  tell(`node disk: made (${elapsed(startedAt)})`);
  removeOldDisks(disk);
  return disk;
}

/** Imports `tars` with the nodes' containerd, in a mount namespace of its own. */
async function importImages(work: string, tars: readonly string[]): Promise<void> {
  const bin = join(work, "tree/bin");
  const socket = join(work, "run/c.sock");
  writeFileSync(join(work, "config.toml"), importerConfig(work, socket));
  const containerd = spawn(
    "unshare",
    ["--mount", join(bin, "containerd"), "-l", "warn", "--config", join(work, "config.toml")],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let log = "";
  containerd.stderr.on("data", (chunk: Buffer) => {
    log += chunk.toString();
  });
  const ended = new Promise((resolve) => containerd.once("close", resolve));
  try {
    const ctr = [join(bin, "ctr"), "--address", socket, "--connect-timeout", "20s", "-n", "k8s.io"];
    const listening = async (): Promise<true | undefined> => existsSync(socket) || undefined;
    await waitFor("containerd's socket", listening, { timeoutMs: 60_000, everyMs: 50 });
    for (const tar of tars) await must([...ctr, "images", "import", "--local", tar]);
  } catch (error) {
    throw new Error(`lab: images cannot be imported; containerd says:\n${log}`, { cause: error });
  } finally {
    containerd.kill("SIGTERM");
    await ended;
  }
}

/** Content store and overlayfs snapshots only; the rest needs a real node. */
function importerConfig(work: string, socket: string): string {
  const disabled = ["cri", "cri.v1.images", "cri.v1.runtime"].map((name) =>
    name === "cri" ? "io.containerd.grpc.v1.cri" : `io.containerd.${name}`,
  );
  return `version = 3
root = "${work}/tree/containerd"
state = "${work}/run"
disabled_plugins = ${JSON.stringify([...disabled, "io.containerd.nri.v1.nri"])}
[grpc]
  address = "${socket}"
[ttrpc]
  address = "${socket}.ttrpc"
`;
}

function removeOldDisks(newest: string): void {
  const dir = join(cacheRoot(), "disks");
  const disks = readdirSync(dir).filter((name) => name.endsWith(".img"));
  const old = disks.map((name) => join(dir, name)).filter((path) => path !== newest);
  for (const path of old.slice(0, Math.max(0, old.length - (keptDisks - 1)))) rmSync(path);
}

async function must(command: readonly string[]): Promise<void> {
  const result = await run(command);
  if (result.exitCode === 0) return;
  throw new Error(
    `${command[0]}: ended with ${result.exitCode}:\n${result.stdout}${result.stderr}`,
  );
}
