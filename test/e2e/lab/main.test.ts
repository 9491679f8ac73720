import assert from "node:assert/strict";
import { test } from "node:test";
import { requestedNodes } from "./main.ts";

test("requestedNodes numbers the plain nodes and adds the named ones", () => {
  assert.deepEqual(requestedNodes(2, ["old=debian-6.12"]), [
    { name: "node-1", kernel: "lab" },
    { name: "node-2", kernel: "lab" },
    { name: "old", kernel: "debian-6.12" },
  ]);
});

test("requestedNodes refuses an unknown kernel", () => {
  assert.throws(() => requestedNodes(0, ["x=7.3"]), {
    message: "kernel 7.3: is unknown; one of lab, debian-6.12, debian-6.1, debian-7.3",
  });
});
