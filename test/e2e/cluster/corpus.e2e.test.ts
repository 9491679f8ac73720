import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { kubectl } from "../lab/cluster/kubectl.ts";
import { repositoryRoot } from "../lab/images.ts";
import { openFleet } from "./fleet.ts";

await openFleet();

const corpus = join(repositoryRoot, "policy/testdata/upstream");

test("the API server accepts every policy of upstream's corpus", async () => {
  const { exitCode, stdout, stderr } = await kubectl([
    ...["apply", "--dry-run=server", "-o", "name", "-f", corpus],
  ]);
  assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: "" });
  const accepted = stdout.split("\n").filter((line) => line.includes(".cilium.io/"));
  assert.equal(accepted.length, policyCount());
});

/** Policies in the corpus; one of its files has a pod too. */
function policyCount(): number {
  return readdirSync(corpus).reduce((sum, file) => {
    const text = readFileSync(join(corpus, file), "utf8");
    return sum + (text.match(/^kind: "?(TracingPolicy|TracingPolicyNamespaced)"?$/gm) ?? []).length;
  }, 0);
}
