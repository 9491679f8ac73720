import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { withLock } from "./lock.ts";

const dir = mkdtempSync(join(tmpdir(), "guardbee-lock-"));
after(() => rmSync(dir, { recursive: true }));

test("withLock lets one in at a time and leaves nothing behind", async () => {
  const path = join(dir, "a");
  const order: string[] = [];
  const enter = (name: string) =>
    withLock(path, async () => {
      order.push(`${name} in`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`${name} out`);
    });
  await Promise.all([enter("x"), enter("y")]);
  assert.deepEqual(order, ["x in", "x out", "y in", "y out"]);
  assert.equal(existsSync(path), false);
});

test("withLock takes over from a process that died", async () => {
  const path = join(dir, "b");
  writeFileSync(path, "999999999 1");
  assert.equal(await withLock(path, async () => "in"), "in");
});

test("withLock passes an error on and is free again", async () => {
  const path = join(dir, "c");
  const fail = withLock(path, () => Promise.reject(new Error("no")));
  await assert.rejects(fail, { message: "no" });
  assert.equal(existsSync(path), false);
});
