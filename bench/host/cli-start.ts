import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { appFolder, root } from "../app-folder.ts";
import type { Message } from "../messages.ts";

const cli = join(appFolder, "cli/bin/guardbee.js");
const policy = join(root, "config/examples/deny-tmp-forbidden-write.yaml");
const starts = {
  cli_start_node: ["-e", "0"],
  cli_start: [cli, "--version"],
  cli_start_check: [cli, "policy", "check", policy],
} as const;

const rounds = 20;

/** How long commands take from their start to their end, as images have them, by turns with Node alone. */
export function measureCliStart(tell: (message: Message) => void): void {
  const least = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, args] of Object.entries(starts)) {
      least.set(name, Math.min(least.get(name) ?? Number.POSITIVE_INFINITY, timeOf(args)));
    }
  }
  for (const [value, number] of least) {
    tell({ value, number, method: `wall time, the least of ${rounds}, by turns` });
  }
}

function timeOf(args: readonly string[]): number {
  const startedAt = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args);
  if (status !== 0) throw new Error(`node ${args.join(" ")}: ${stderr}`);
  return performance.now() - startedAt;
}
