import assert from "node:assert/strict";
import { test } from "node:test";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { WireWriter } from "./writer.ts";

const writer = new WireWriter();
const tagOf = (field: number, type: WireType) => field * 8 + type;

/** What a reader that is not ours finds in a message of one field. */
function reader(field: number, type: WireType): BinaryReader {
  const bytes = new BinaryReader(writer.take());
  assert.deepEqual(bytes.tag(), [field, type]);
  return bytes;
}

const aField = fc.integer({ min: 1, max: 40_001 });

test("a number is read as it was written, whatever its size", () => {
  const number = fc.oneof(
    fc.bigInt({ min: -(1n << 63n), max: (1n << 64n) - 1n }),
    fc.bigInt({ min: 0n, max: 300n }),
  );
  fc.assert(
    fc.property(aField, number, (field, value) => {
      writer.bigSet(tagOf(field, WireType.Varint), value);
      const read = BigInt(reader(field, WireType.Varint).uint64());
      assert.equal(read, BigInt.asUintN(64, value));
    }),
  );
  fc.assert(
    fc.property(aField, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (field, value) => {
      writer.intSet(tagOf(field, WireType.Varint), value);
      assert.equal(reader(field, WireType.Varint).int32(), value);
    }),
  );
  fc.assert(
    fc.property(aField, fc.nat({ max: 2 ** 32 - 1 }), (field, value) => {
      writer.uintSet(tagOf(field, WireType.Varint), value);
      assert.equal(reader(field, WireType.Varint).uint32(), value);
    }),
  );
});

test("a text of any length is read as it was written, a half of a character as U+FFFD", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 400 }),
    fc.nat({ max: 20_000 }).map((length) => "ä".repeat(length)),
  );
  fc.assert(
    fc.property(aField, text, (field, value) => {
      writer.textSet(tagOf(field, WireType.LengthDelimited), value);
      assert.equal(reader(field, WireType.LengthDelimited).string(), value.toWellFormed());
    }),
  );
});

test("messages in messages have their lengths, however long they are", () => {
  const lengths = fc.array(fc.nat({ max: 300_000 }), { maxLength: 4 });
  fc.assert(
    fc.property(lengths, (each) => {
      const open = each.map(() => writer.open(tagOf(3, WireType.LengthDelimited)));
      for (const [i, length] of each.entries()) {
        writer.bytesSet(tagOf(2, WireType.LengthDelimited), Buffer.alloc(length, i));
      }
      for (const start of open.toReversed()) writer.close(start);
      let bytes = new BinaryReader(writer.take());
      for (const _ of each) {
        assert.deepEqual(bytes.tag(), [3, WireType.LengthDelimited]);
        const inner = bytes.bytes();
        assert.equal(bytes.pos, bytes.len);
        bytes = new BinaryReader(inner);
      }
      const read = each.map(() => {
        assert.deepEqual(bytes.tag(), [2, WireType.LengthDelimited]);
        return bytes.bytes();
      });
      assert.deepEqual(
        read.map((found) => [found.length, found[0]]),
        each.map((length, i) => [length, length === 0 ? undefined : i]),
      );
      assert.equal(bytes.pos, bytes.len);
    }),
    { numRuns: 30 },
  );
});

test("what is 0 or empty is left out, unless it is set", () => {
  writer.uint(8, 0);
  writer.text(18, "");
  writer.text(18, undefined);
  writer.big(8, 0n);
  writer.bool(8, false);
  writer.list(18, []);
  assert.equal(writer.take().length, 0);
  writer.uintSet(8, 0);
  writer.textSet(18, "");
  writer.wrapped(26, 0);
  writer.wrapped(26, 7);
  writer.list(34, [0, 300]);
  assert.equal(writer.take().toString("hex"), "0800" + "1200" + "1a00" + "1a020807" + "220300ac02");
});
