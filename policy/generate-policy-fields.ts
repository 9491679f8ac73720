import { readFileSync, writeFileSync } from "node:fs";
import { formatPolicyFields } from "./policy-fields.ts";

/**
 * `node policy/generate-policy-fields.ts` writes docs/reference/policy-fields.md; with `--check` it
 * writes nothing and ends with 1 when the file is not what it would write.
 */
const target = new URL("../docs/reference/policy-fields.md", import.meta.url);
const wanted = formatPolicyFields();
if (!process.argv.includes("--check")) writeFileSync(target, wanted);
else if (readFileSync(target, "utf8") !== wanted) {
  process.stderr.write(
    "docs/reference/policy-fields.md: is stale; run node policy/generate-policy-fields.ts\n",
  );
  process.exitCode = 1;
}
