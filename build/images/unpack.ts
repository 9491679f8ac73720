import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import type { ImageSpec } from "./oci.ts";

/** Makes `dir` the root of a container of the image. Owners are the image's when root runs it. */
export function unpackImage(spec: ImageSpec, dir: string): void {
  mkdirSync(dir, { recursive: true });
  for (const layer of spec.layers) {
    execFileSync("tar", ["--extract", "--preserve-permissions", "--numeric-owner", "-C", dir], {
      input: layer,
    });
  }
}

/** One file of an image; the upper layers win. Throws when it has none of that path. */
export function readImageFile(spec: ImageSpec, path: string): Buffer {
  for (const layer of [...spec.layers].reverse()) {
    const args = ["--extract", "--to-stdout", path];
    const options = { input: layer, maxBuffer: 64 << 20 };
    const { status, stdout } = spawnSync("tar", args, options);
    if (status === 0) return stdout;
  }
  throw new Error(`${spec.name}: has no ${path}`);
}

/** The paths of an image's files, sorted: no folders. */
export function listImage(spec: ImageSpec): readonly string[] {
  const paths = spec.layers.flatMap((layer) => {
    const options = { input: layer, encoding: "utf8", maxBuffer: 64 << 20 } as const;
    return execFileSync("tar", ["--list"], options).split("\n");
  });
  return [...new Set(paths)].filter((path) => path !== "" && !path.endsWith("/")).sort();
}
