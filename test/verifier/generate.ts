import { readFileSync, writeFileSync } from "node:fs";
import { formatVerified } from "./results.ts";

/**
 * `node test/verifier/generate.ts` writes docs/reference/verifier.md from results/*.json; with `--check`
 * it writes nothing and ends with 1 when the file is not what it would write.
 */
const target = new URL("../../docs/reference/verifier.md", import.meta.url);
const wanted = formatVerified();
if (!process.argv.includes("--check")) writeFileSync(target, wanted);
else if (readFileSync(target, "utf8") !== wanted) {
  process.stderr.write(
    "docs/reference/verifier.md: is stale; run node test/verifier/generate.ts\n",
  );
  process.exitCode = 1;
}
