// Runs a TypeScript source under a Node that strips types (>= 24): this one, or the one that npm ci installed.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** @param {string} file of this package's folder */
export async function launch(file) {
  const main = join(dirname(fileURLToPath(import.meta.url)), "..", file);
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= 24) {
    await import(main);
    return;
  }
  const require = createRequire(import.meta.url);
  const packaged = join(
    dirname(require.resolve(`node-linux-${process.arch}/package.json`)),
    "bin",
    "node",
  );
  const run = spawnSync(packaged, [main, ...process.argv.slice(2)], { stdio: "inherit" });
  if (run.signal !== null) process.kill(process.pid, run.signal);
  process.exit(run.status ?? 1);
}
