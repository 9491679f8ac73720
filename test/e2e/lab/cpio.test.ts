import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeCpio } from "./cpio.ts";

test("encodeCpio writes headers of 110 bytes and pads names and data to four", () => {
  const data = Buffer.from("12345");
  const archive = encodeCpio([{ kind: "file", path: "init", mode: 0o755, data }]);
  assert.equal(archive.subarray(0, 6).toString(), "070701");
  assert.equal(archive.subarray(14, 22).toString(), (0o100755).toString(16).padStart(8, "0"));
  assert.equal(archive.subarray(110, 115).toString(), "init\0");
  assert.equal(archive.subarray(116, 124).toString(), "12345\0\0\0");
  assert.equal(archive.subarray(124, 130).toString(), "070701");
});
