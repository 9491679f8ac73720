import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "../../../build/root.ts";
import { kubectl, kubectlOutput } from "../lab/cluster/kubectl.ts";
import { openFleet } from "./fleet.ts";

await openFleet();

const corpus = join(repositoryRoot, "policy/testdata/upstream");
const webhook = join(repositoryRoot, "config/base/webhook.yaml");

test("the API server accepts every policy of upstream's corpus", async () => {
  // By the schema alone: the guard rails refuse those that stop every process of the cluster.
  await kubectlOutput(["delete", "validatingwebhookconfiguration", "guardbee"]);
  const { exitCode, stdout, stderr } = await kubectl([
    ...["apply", "--dry-run=server", "-o", "name", "-f", corpus],
  ]).finally(() => kubectlOutput(["apply", "--server-side", "-f", webhook]));
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
