import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { formatCompatibility } from "./compatibility.ts";

/**
 * `node policy/generate-compatibility.ts` writes docs/compatibility.md; with `--check` it writes
 * nothing and ends with 1 when the file is not what it would write.
 */
const corpus = new URL("./testdata/upstream/", import.meta.url);
const target = new URL("../docs/compatibility.md", import.meta.url);
const files = readdirSync(corpus)
  .filter((name) => name.endsWith(".yaml"))
  .sort()
  .map((file) => ({ file, content: readFileSync(new URL(file, corpus), "utf8") }));
const wanted = await formatCompatibility(files);
if (!process.argv.includes("--check")) writeFileSync(target, wanted);
else if (readFileSync(target, "utf8") !== wanted) {
  process.stderr.write(
    "docs/compatibility.md: is stale; run node policy/generate-compatibility.ts\n",
  );
  process.exitCode = 1;
}
