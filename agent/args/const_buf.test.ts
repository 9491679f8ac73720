import assert from "node:assert/strict";
import { test } from "node:test";
import { argJson } from "./index.ts";

test("an array of numbers of 8 bytes is an argument for each, one of others is bytes", () => {
  const bytes = Buffer.from(BigUint64Array.of(1n, 2n).buffer);
  assert.equal(
    argJson({ type: "const_buf", element: 8, bytes }, "args"),
    '{"size_arg":"1","label":"args"},{"size_arg":"2","label":"args"}',
  );
  assert.equal(
    argJson({ type: "const_buf", element: 4, bytes: bytes.subarray(0, 4) }, undefined),
    '{"bytes_arg":"AQAAAA=="}',
  );
});
