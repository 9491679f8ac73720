// Runs the compiled program, as images have it, or else its source under a Node that strips types
// (>= 24): this one, or the one that npm ci installed.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** @param {string} name of a module in this package's folder */
export async function launch(name) {
  const module = join(dirname(fileURLToPath(import.meta.url)), "..", name);
  const main = existsSync(`${module}.js`) ? `${module}.js` : `${module}.ts`;
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
