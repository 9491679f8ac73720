import assert from "node:assert/strict";
import { test } from "node:test";
import { changeSets } from "./change-sets.ts";
import { hashSets } from "./identity.ts";
import { aKprobePolicy, lowered } from "./testing/a-policy.ts";

const set = lowered(aKprobePolicy({ selectors: [{ matchActions: [{ action: "Sigkill" }] }] }));

test("changeSets gives sets as they were lowered where nothing is changed, with their hash", () => {
  assert.deepEqual(changeSets([set], {}), { hash: hashSets([set]), sets: [set] });
  const { mode, scope } = set;
  assert.equal(changeSets([set], { mode, scope }).hash, hashSets([set]));
});

test("changeSets puts every set into the mode and the scope, and hashes what comes out", () => {
  const scope = { host: false, pods: { namespaces: ["shop"] } };
  const want = { ...set, mode: "monitor", scope } as const;
  assert.deepEqual(changeSets([set, set], { mode: "monitor", scope }), {
    hash: hashSets([want, want]),
    sets: [want, want],
  });
  assert.notEqual(hashSets([want]), hashSets([set]));
});
