import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { layer, program } from "../../../build/images/layer.ts";
import { encodeImage, type ImageSpec, layoutImage } from "../../../build/images/oci.ts";
import { libraryPaths } from "../../../build/images/runtime-layer.ts";
import type { TarEntry } from "../../../build/images/tar.ts";
import * as product from "../../../build/images.ts";
import { cacheRoot } from "../../../build/tools/cache.ts";
import { ensureBuilt } from "./build.ts";
import { tell } from "./progress.ts";

/** The names as containerd stores them; as pods write them: domains that resolve nowhere. */
export const imageNames = {
  ...product.imageNames,
  demo: "guardbee.invalid/demo:dev",
  pause: "lab.local/pause:1",
} as const;

/** The demo image's shells are the host's: busybox's runs `vi` as itself, not as /usr/bin/vi. */
const demoShells = { "bin/sh": "/bin/dash", "bin/bash": "/bin/bash" };

/** Every image of the lab, from the application at `appRoot`. */
export async function imageSpecs(appRoot: string): Promise<ImageSpec[]> {
  const { busybox, pause } = await ensureBuilt(["busybox", "pause"]);
  return [
    ...(await product.imageSpecs(appRoot)),
    {
      name: imageNames.demo,
      layers: [layer(demoEntries(busybox!))],
      entrypoint: [],
      command: ["/bin/sleep", "infinity"],
      env: ["PATH=/usr/bin:/bin:/usr/sbin:/sbin"],
      workingDir: "/",
    },
    {
      name: imageNames.pause,
      layers: [layer([program("pause", pause!)])],
      entrypoint: ["/pause"],
      command: [],
      env: [],
      workingDir: "/",
    },
  ];
}

/** The image's tar in the cache, written if the cache lacks it. */
export function ensureImageTar(spec: ImageSpec): string {
  const { digest } = layoutImage(spec);
  const dir = join(cacheRoot(), "images");
  const path = join(dir, `${product.shortName(spec.name)}-${digest.slice(7, 19)}.tar`);
  if (existsSync(path)) return path;
  mkdirSync(dir, { recursive: true });
  writeFileSync(`${path}.${process.pid}`, encodeImage(spec));
  renameSync(`${path}.${process.pid}`, path);
  removeOldTars(dir, path);
  tell(`image ${spec.name}: written to ${path}`);
  return path;
}

/** Keeps the newest tar of each image: they are large, and every change of the code makes one. */
function removeOldTars(dir: string, newest: string): void {
  const image = basename(newest).replace(/-[0-9a-f]+\.tar$/, "");
  for (const name of readdirSync(dir)) {
    const old = name.endsWith(".tar") && name.replace(/-[0-9a-f]+\.tar$/, "") === image;
    if (old && join(dir, name) !== newest) rmSync(join(dir, name), { force: true });
  }
}

/** Every program of busybox under a path of its own, so that a process shows that path. */
function demoEntries(busybox: string): TarEntry[] {
  const listed = execFileSync(busybox, ["--list-full"], { encoding: "utf8" }).trim().split("\n");
  const applets = listed
    .filter((path) => !/^linuxrc$|\/(sh|ash|busybox)$/.test(path))
    .map((path) => (path === "bin/vi" ? "usr/bin/vi" : path)); // where other systems have it
  const libraries = new Set(Object.values(demoShells).flatMap(libraryPaths));
  return [
    program("bin/busybox", busybox),
    ...applets.map(
      (path): TarEntry => ({ kind: "hard", path, mode: 0o755, target: "bin/busybox" }),
    ),
    ...Object.entries(demoShells).map(([path, source]) => program(path, source)),
    ...[...libraries].map((path) => program(path.slice(1), path)),
    { kind: "dir", path: "tmp", mode: 0o1777 },
    { kind: "dir", path: "root", mode: 0o700 },
    text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65532:65532:nobody:/:/bin/sh\n"),
    text("etc/group", "root:x:0:\nnobody:x:65532:\n"),
  ];
}

function text(path: string, content: string): TarEntry {
  return { kind: "file", path, mode: 0o644, data: Buffer.from(content) };
}
