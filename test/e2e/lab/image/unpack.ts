import { execFileSync } from "node:child_process";
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
