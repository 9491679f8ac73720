import { readFileSync, writeFileSync } from "node:fs";
import { formatAgentMetricsReference } from "./reference.ts";

/**
 * `node agent/metrics/generate.ts` writes docs/reference/agent-metrics.md; with `--check` it writes
 * nothing and ends with 1 when the file is not what it would write.
 */
const target = new URL("../../docs/reference/agent-metrics.md", import.meta.url);
const wanted = formatAgentMetricsReference();
if (!process.argv.includes("--check")) writeFileSync(target, wanted);
else if (readFileSync(target, "utf8") !== wanted) {
  process.stderr.write(
    "docs/reference/agent-metrics.md: is stale; run node agent/metrics/generate.ts\n",
  );
  process.exitCode = 1;
}
