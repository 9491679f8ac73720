import { rmSync, writeFileSync } from "node:fs";
import { join, parse } from "node:path";
import { build } from "esbuild";
import { bundleName } from "../agent/kernel/testing/test-program.ts";
import { asOneFile } from "../build/images/bundle.ts";

/**
 * Writes each of `files`, tests of the checkout at `root`, to the folder `out` below it as one file of
 * JavaScript, and gives their paths below `root`, in order. An emulated processor takes half a minute to find,
 * read and compile the modules of a test of the engine, one by one, and a second for this file. What
 * a test opens by a path it finds in the checkout. Throws what esbuild refuses.
 */
export async function bundleTests(
  root: string,
  out: string,
  files: readonly string[],
): Promise<readonly string[]> {
  rmSync(join(root, out), { recursive: true, force: true });
  const names = files.map(bundleName);
  await build({
    ...asOneFile(root, join(root, out)),
    entryPoints: files.map((file, i) => ({ in: join(root, file), out: parse(names[i]!).name })),
    logLevel: "warning",
  });
  writeFileSync(join(root, out, "package.json"), '{ "type": "module" }\n');
  return names.map((name) => join(out, name));
}
