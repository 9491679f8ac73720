import assert from "node:assert/strict";
import { test } from "node:test";
import { skipReason } from "./must-run.ts";

test("a test that cannot run is skipped by hand, and fails where all must run", (t) => {
  const { CI, GUARDBEE_TESTS } = process.env;
  t.after(() => Object.assign(process.env, { CI: CI ?? "", GUARDBEE_TESTS: GUARDBEE_TESTS ?? "" }));
  const all = (run: object) => Object.assign(process.env, { CI: "", GUARDBEE_TESTS: "", ...run });
  all({});
  assert.equal(skipReason("etcd is not built"), "etcd is not built");
  for (const run of [{ CI: "true" }, { GUARDBEE_TESTS: "all" }]) {
    all(run);
    assert.equal(skipReason(false), false);
    assert.throws(() => skipReason("etcd is not built"), { message: "etcd is not built" });
  }
});
