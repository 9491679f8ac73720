import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf, offsetsOf, read, write } from "./struct.ts";

const inner = {
  size: 4,
  fields: { a: { at: 0, type: "u16" }, b: { at: 2, type: "s16" } },
} as const;
const outer = {
  size: 32,
  fields: {
    small: { at: 0, type: "u8" },
    signed: { at: 1, type: "s8" },
    bytes: { at: 2, type: "u8", count: 2 },
    number: { at: 4, type: "u32" },
    large: { at: 8, type: "u64" },
    below: { at: 16, type: "s64" },
    list: { at: 24, type: inner, count: 2 },
  },
} as const;

const values = {
  ...{ small: 0xff, signed: -1, bytes: [1, 2], number: 0xffff_fffe, large: 2n ** 64n - 3n },
  ...{
    below: -5n,
    list: [
      { a: 1, b: -2 },
      { a: 3, b: -4 },
    ],
  },
};

test("what is written is little-endian where its field is, and read back", () => {
  const bytes = bytesOf(outer, values);
  const hex = "ff ff 0102 feffffff fdffffffffffffff fbffffffffffffff 0100feff 0300fcff";
  assert.equal(Buffer.from(bytes).toString("hex"), hex.replaceAll(" ", ""));
  assert.deepEqual(read(bytes, outer), values);
});

test("a field without a value keeps its bytes, and a short array the rest of its field", () => {
  const bytes = bytesOf(outer, values);
  write(bytes, outer, { number: 7, bytes: [9], list: [{ b: 5 }] });
  assert.deepEqual(read(bytes, outer), {
    ...{
      ...values,
      number: 7,
      bytes: [9, 2],
      list: [
        { a: 1, b: 5 },
        { a: 3, b: -4 },
      ],
    },
  });
});

test("a struct that lies in other bytes is written and read there", () => {
  const bytes = new Uint8Array(12).subarray(2);
  write(bytes, inner, { a: 0x102, b: -1 }, 4);
  assert.deepEqual([...bytes], [0, 0, 0, 0, 2, 1, 0xff, 0xff, 0, 0]);
  assert.deepEqual(read(bytes, inner, 4), { a: 0x102, b: -1 });
});

const refused: readonly { name: string; run: () => unknown; message: string }[] = [
  {
    name: "a number",
    run: () => bytesOf(outer, { small: 256 }),
    message: "small: 256 is not in 0 to 255",
  },
  {
    name: "a negative one",
    run: () => bytesOf(inner, { b: -32769 }),
    message: "b: -32769 is not in -32768 to 32767",
  },
  {
    name: "no number",
    run: () => bytesOf(inner, { a: Number.NaN }),
    message: "a: NaN is not in 0 to 65535",
  },
  {
    name: "a bigint",
    run: () => bytesOf(outer, { large: -1n }),
    message: "large: -1 is not in 0 to 18446744073709551615",
  },
  {
    name: "an array",
    run: () => bytesOf(outer, { bytes: [1, 2, 3] }),
    message: "bytes: has room for 2, not for 3",
  },
];
for (const { name, run, message } of refused) {
  test(`write refuses ${name} that the field cannot hold`, () => {
    assert.throws(run, { name: "RangeError", message });
  });
}

test("offsets are those of the fields of each type", () => {
  const { u8, u32, s64, structs } = offsetsOf(outer);
  assert.deepEqual(
    [u8, u32, s64, structs],
    [{ small: 0, bytes: 2 }, { number: 4 }, { below: 16 }, { list: 24 }],
  );
  // @ts-expect-error: a field of another size does not compile
  assert.equal(u32.large, undefined);
  // @ts-expect-error: nor does one that there is not
  assert.throws(() => bytesOf(inner, { c: 1 }), TypeError);
});
