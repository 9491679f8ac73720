import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { indented, isPrintable, oneLine, printable } from "./printable.ts";

const anyText = fc.string({ unit: "binary", maxLength: 40 });

const escapes: readonly { name: string; text: string; want: string }[] = [
  { name: "an escape sequence", text: "a\u001b[31mb", want: "a\\u001b[31mb" },
  { name: "DEL and C1", text: "\u007f\u0080\u009b\u009f", want: "\\u007f\\u0080\\u009b\\u009f" },
  { name: "a carriage return", text: "good\rbad", want: "good\\rbad" },
  { name: "bidi controls", text: "\u202e\u2066\u200f", want: "\\u202e\\u2066\\u200f" },
  { name: "line separators", text: "\u2028\u2029\u0085", want: "\\u2028\\u2029\\u0085" },
  { name: "half a surrogate pair", text: "\ud800x", want: "\\ud800x" },
  { name: "a tag beyond U+FFFF", text: "\u{e0041}", want: "\\udb40\\udc41" },
  { name: "a byte order mark", text: "\ufeffx", want: "\\ufeffx" },
];
for (const { name, text, want } of escapes) {
  test(`printable escapes ${name}`, () => assert.equal(printable(text), want));
}

test("printable leaves letters of all scripts, emoji, line feeds and tabs as they are", () => {
  const text = "straße 日本語 عربي 🐝\n\ttab";
  assert.equal(printable(text), text);
  assert.equal(oneLine("a\n\tb"), "a\\n\\tb");
});

test("nothing that is not printable is left, and what is printable already stays", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      assert.ok(isPrintable(printable(text).replaceAll(/[\n\t]/g, "")));
      assert.ok(isPrintable(oneLine(text)));
      assert.equal(printable(printable(text)), printable(text));
    }),
  );
});

test("JSON stays the same JSON", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
      const text = JSON.stringify(value);
      assert.deepEqual(JSON.parse(printable(text)), JSON.parse(text));
    }),
  );
});

test("what follows a line feed is indented", () => {
  assert.equal(indented("a\nguardbee: b\r\nc"), "a\n    guardbee: b\n    c");
});
