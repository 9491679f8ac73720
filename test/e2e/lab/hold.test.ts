import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { holdLab } from "./hold.ts";

test("who comes second gets the lab when the first lets go of it", async () => {
  process.env.GUARDBEE_LAB_STATE = join(mkdtempSync(join(tmpdir(), "guardbee-hold-")), "lab");
  const order: string[] = [];
  const release = await holdLab();
  const second = holdLab().then((releaseSecond) => {
    order.push("second has it");
    releaseSecond();
  });
  order.push("first lets go");
  release();
  await second;
  assert.deepEqual(order, ["first lets go", "second has it"]);
});
