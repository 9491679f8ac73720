import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { StateDir } from "./state-dir.ts";

function aFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "state-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("a written value is read back, replaced, and removed", async (t) => {
  const root = aFolder(t);
  const state = new StateDir(join(root, "guardbee"));
  assert.deepEqual(await state.read("a/x.json"), { state: "absent" });
  await state.write("a/x.json", { n: 1 });
  await state.write("a/x.json", { n: 2 });
  assert.deepEqual(await state.read("a/x.json"), { state: "present", value: { n: 2 } });
  assert.deepEqual(await state.list("a"), ["a/x.json"]);
  assert.equal(statSync(join(root, "guardbee/a/x.json")).mode & 0o777, 0o600);
  await state.remove("a/x.json");
  assert.deepEqual(await state.list("a"), []);
  assert.deepEqual(await state.list("b"), []);
});

test("a file that is no JSON is corrupt", async (t) => {
  const root = aFolder(t);
  writeFileSync(join(root, "x.json"), '{"n":');
  const found = await new StateDir(root).read("x.json");
  assert.equal(found.state, "corrupt");
});

test("a write that fails leaves nothing beside", async (t) => {
  const root = aFolder(t);
  const state = new StateDir(root);
  await assert.rejects(state.write("x.json", { n: 1n }), TypeError);
  assert.deepEqual(readdirSync(root), []);
});
