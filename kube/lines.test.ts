import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { type LinesOptions, splitLines } from "./lines.ts";

async function linesOf(
  chunks: readonly Buffer[],
  options?: LinesOptions,
): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const line of splitLines(Readable.from(chunks), options)) lines.push(line);
  return lines;
}

test("lines are the same wherever the bytes are cut, also within a character", async () => {
  const bytes = Buffer.from("ä\n\nb€\nlast is cut off");
  for (let cut = 0; cut <= bytes.length; cut++) {
    const lines = await linesOf([bytes.subarray(0, cut), bytes.subarray(cut)]);
    assert.deepEqual(lines, ["ä", "b€"], `cut at ${cut}`);
  }
});

test("a line without end is refused before it fills the memory", async () => {
  const endless = Array.from({ length: 17 }, () => Buffer.alloc(1024 * 1024, 0x20));
  await assert.rejects(linesOf(endless), /^Error: a line of over 16777216 characters;/);
});

test("a line feed alone ends a line", async () => {
  const inside = "a\u2028b\u2029c\u0085d\re\u000bf\u000cg";
  assert.deepEqual(await linesOf([Buffer.from(`${inside}\n${inside}\n`)]), [inside, inside]);
});

test("a last line without an end is kept where asked, also when it ends within a character", async () => {
  const bytes = Buffer.from("a\nb€");
  assert.deepEqual(await linesOf([bytes], { unfinished: "kept" }), ["a", "b€"]);
  assert.deepEqual(await linesOf([bytes.subarray(0, -1)], { unfinished: "kept" }), [
    "a",
    "b\ufffd",
  ]);
});
