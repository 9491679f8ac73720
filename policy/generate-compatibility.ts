import { readFileSync, writeFileSync } from "node:fs";
import { formatCompatibility } from "./compatibility.ts";
import { upstreamCorpus } from "./upstream-corpus.ts";

/**
 * `node policy/generate-compatibility.ts` writes docs/compatibility.md; with `--check` it writes
 * nothing and ends with 1 when the file is not what it would write.
 */
const target = new URL("../docs/compatibility.md", import.meta.url);
const wanted = await formatCompatibility(upstreamCorpus());
if (!process.argv.includes("--check")) writeFileSync(target, wanted);
else if (readFileSync(target, "utf8") !== wanted) {
  process.stderr.write(
    "docs/compatibility.md: is stale; run node policy/generate-compatibility.ts\n",
  );
  process.exitCode = 1;
}
