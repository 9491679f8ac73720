import assert from "node:assert/strict";
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { after, describe, test } from "node:test";
import { parse } from "yaml";
import { kubectl, outputOf, root, whyNotBuilt } from "./lab-programs.ts";
import { subjects } from "./policy-subjects.ts";

/** Argo CD's own format: resource_customizations/GROUP/KIND/health_test.yaml in its repository. */
type HealthTest = {
  readonly inputPath: string;
  readonly healthStatus: { readonly status: string; readonly message: string };
};

const argocd = ["argocd", "argocd"] as const;
const folder = join(root, "config/argocd");
const tests = globSync("*/*/health_test.yaml", { cwd: folder }).sort();

test("every kind of policy has a health script with tests, and every testdata file is in one", () => {
  const kinds = subjects.map(({ resource }) => `${resource.group}/${resource.kind}`).sort();
  assert.deepEqual(tests.map(dirname), kinds);
  for (const kind of kinds) {
    const files = readdirSync(join(folder, kind, "testdata")).map((file) => `testdata/${file}`);
    const inputs = healthTests(`${kind}/health_test.yaml`).map(({ inputPath }) => inputPath);
    assert.deepEqual(inputs.sort(), files.sort(), kind);
  }
});

describe("health in Argo CD's own engine", { skip: whyNotBuilt("argocd", "kubernetes") }, () => {
  const dir = mkdtempSync(join(tmpdir(), "guardbee-argocd-"));
  after(() => rmSync(dir, { recursive: true }));
  const settings = join(dir, "argocd-cm.yaml");

  for (const file of tests) {
    for (const { inputPath, healthStatus } of healthTests(file)) {
      const input = join(folder, dirname(file), inputPath);
      test(`${relative(folder, input)} is ${healthStatus.status}: ${healthStatus.message}`, () => {
        writeFileSync(settings, outputOf(kubectl, ["kustomize", folder]));
        const health = ["admin", "settings", "resource-overrides", "health", input];
        const said = outputOf(argocd, [...health, "--argocd-cm-path", settings]);
        const { status, message } = healthStatus;
        assert.equal(said, `STATUS: ${status}\nMESSAGE: ${message}\n`);
      });
    }
  }
});

function healthTests(file: string): readonly HealthTest[] {
  return (parse(readFileSync(join(folder, file), "utf8")) as { tests: HealthTest[] }).tests;
}
