import { readFileSync, writeFileSync } from "node:fs";
import { formatBypasses } from "./results.ts";

/**
 * `node test/e2e/bypass/generate.ts` writes docs/reference/bypasses.md from results/*.json; with
 * `--check` it writes nothing and ends with 1 when the file is not what it would write.
 */
const target = new URL("../../../docs/reference/bypasses.md", import.meta.url);
const wanted = formatBypasses();
if (!process.argv.includes("--check")) writeFileSync(target, wanted);
else if (readFileSync(target, "utf8") !== wanted) {
  process.stderr.write(
    "docs/reference/bypasses.md: is stale; run node test/e2e/bypass/generate.ts\n",
  );
  process.exitCode = 1;
}
