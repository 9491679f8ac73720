import assert from "node:assert/strict";
import { test } from "node:test";
import { repairing, repairingUnless } from "./difference.ts";

const found = { kind: "scope", what: "cgroup_class" } as const;
const repaired = { ...found, state: "repaired" } as const;
const throws = () => {
  throw new Error("EACCES: permission denied, scandir '/sys/fs/cgroup'");
};
const failed = {
  ...found,
  state: "failed",
  message: "EACCES: permission denied, scandir '/sys/fs/cgroup'",
};

test("what cannot be repaired says why", () => {
  assert.deepEqual(
    repairing(found, () => {}),
    repaired,
  );
  assert.deepEqual(repairing(found, throws), failed);
});

test("what nobody can tell is right is not repaired, and said: the other repairs go on", () => {
  const ask = (isRight: () => boolean) => repairingUnless(found, isRight, () => repaired);
  assert.equal(
    ask(() => true),
    undefined,
  );
  assert.deepEqual(
    ask(() => false),
    repaired,
  );
  assert.deepEqual(ask(throws), failed);
});
