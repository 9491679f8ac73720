import assert from "node:assert/strict";
import { test } from "node:test";
import type { Hook } from "@guardbee/policy";
import { aSet, doing, pointOf } from "../compile/testing/compiled.ts";
import { type Held, statesOf } from "./held.ts";

test("what a node has not of a set is among its attachments", () => {
  const missing: Hook = {
    ...doing(),
    on: { kind: "kprobe", call: "of_tomorrow", syscall: false },
    mayBeMissing: true,
  };
  const set = aSet("p", doing(), missing);
  const point = pointOf(set);
  const held = [{ point: { ...point, hooks: point.hooks.slice(0, 1) } }] as unknown as Held[];
  const [state] = statesOf([set], new Map(), held);
  assert.ok(state?.state === "programmed");
  assert.deepEqual(state.attachments, ["fentry:__x64_sys_write", "missing:of_tomorrow"]);
});
