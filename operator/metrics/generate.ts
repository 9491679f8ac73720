import { readFileSync, writeFileSync } from "node:fs";
import { OperatorMetrics } from "./metrics.ts";
import { formatMetricsReference } from "./reference.ts";

/**
 * `node operator/metrics/generate.ts` writes docs/reference/metrics.md; with `--check` it writes
 * nothing and ends with 1 when the file is not what it would write.
 */
const target = new URL("../../docs/reference/metrics.md", import.meta.url);
const wanted = formatMetricsReference(new OperatorMetrics().registry);
if (!process.argv.includes("--check")) writeFileSync(target, wanted);
else if (readFileSync(target, "utf8") !== wanted) {
  process.stderr.write(
    "docs/reference/metrics.md: is stale; run node operator/metrics/generate.ts\n",
  );
  process.exitCode = 1;
}
