import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeFrames } from "./exec.ts";

const frame = (kind: number, text: string): Buffer => {
  const head = Buffer.from([kind, 0, 0, 0, 0]);
  head.writeUInt32BE(text.length, 1);
  return Buffer.concat([head, Buffer.from(text)]);
};

test("decodeFrames gives whole frames and keeps the rest", () => {
  const bytes = Buffer.concat([frame(1, "out"), frame(3, "0"), frame(2, "cut").subarray(0, 6)]);
  const { frames, rest } = decodeFrames(bytes);
  assert.deepEqual(
    frames.map(({ kind, payload }) => [kind, payload.toString()]),
    [
      [1, "out"],
      [3, "0"],
    ],
  );
  assert.equal(rest.length, 6);
});
