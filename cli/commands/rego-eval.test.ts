import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { exit } from "../command.ts";
import { anIo } from "../testing-io.ts";
import { regoEval } from "./rego-eval.ts";

const cwd = fileURLToPath(new URL("../../", import.meta.url));
const skip = process.env.OPA ? false : "OPA is not set";

test("rego eval prints what the example generates from an inventory", { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "inventory-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const workload = (name: string, tier: string) => ({
    ...{ kind: "Deployment", namespace: "shop", name, labels: { tier }, podLabels: { app: name } },
    ...{ serviceAccount: "default", containers: [] },
  });
  const workloads = [workload("search", "edge"), workload("checkout", "core")];
  const inventory = join(folder, "inventory.json");
  await writeFile(inventory, JSON.stringify({ namespaces: [], nodes: [], workloads }));
  const { io, out, err } = anIo({ cwd, env: process.env });
  const file = "config/examples/rego/edge-paths.yaml";
  assert.equal(await regoEval.run({ file, inventory }, io), exit.ok, err());
  const policies = (parseAllDocuments(out()) as { toJS(): { metadata: object } }[]).map(
    (document) => document.toJS().metadata,
  );
  assert.deepEqual(policies, [{ name: "edge-search", namespace: "shop" }]);
});
