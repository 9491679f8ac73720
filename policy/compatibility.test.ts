import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { checkPolicies, isAccepted } from "./check.ts";
import { formatCompatibility } from "./compatibility.ts";
import { differences } from "./differences.ts";
import { upstreamCorpus } from "./upstream-corpus.ts";

const files = upstreamCorpus();

test("every policy of upstream's corpus is accepted", async () => {
  const report = await checkPolicies(files);
  assert.deepEqual(
    report.policies.filter(({ verdict }) => verdict === "invalid"),
    [],
  );
  assert.equal(isAccepted(report, { strict: false }), true);
});

test("docs/compatibility.md says what this version does with the corpus", async () => {
  const url = new URL("../docs/compatibility.md", import.meta.url);
  assert.equal(readFileSync(url, "utf8"), await formatCompatibility(files));
});

test("what means something else here is said once, with a sentence for the reason", () => {
  assert.equal(new Set(differences.map(({ what }) => what)).size, differences.length);
  for (const { what, here } of differences) assert.match(here, /^[A-Z].*\.$/, what);
});
