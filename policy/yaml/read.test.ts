import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readDocuments } from "./read.ts";

function read(given: string | Uint8Array): readonly unknown[] {
  const bytes = typeof given === "string" ? Buffer.from(given) : given;
  return readDocuments(bytes).map((one) =>
    "error" in one ? `${one.line}: ${one.error}` : JSON.parse(JSON.stringify(one.value)),
  );
}

/** What kubectl 1.37 makes of them; cli/kubectl-yaml.api.test.ts asks it. */
const scalars: readonly (readonly [text: string, value: unknown])[] = [
  ...[["yes", true] as const, ["Off", false] as const, ["y", true] as const],
  ...[["tRue", "tRue"] as const, ["~", null] as const, ["", null] as const],
  ...[["011", 9] as const, ["0o11", 9] as const, ["0x1F", 31] as const],
  ...[["-0b11", -3] as const, ["0b-1", -1] as const, ["1_000", 1000] as const],
  ...[["08", 8] as const, ["1e3", 1000] as const, ["1.", 1] as const, [".5", 0.5] as const],
  ...[["1:30", "1:30"] as const, ["2026-11-29", "2026-11-29"] as const],
  ...[["1e400", "1e400"] as const, ["0o8", "0o8"] as const, ["_1", "_1"] as const],
  ...[["!!str 1", "1"] as const, ['!!int "3"', 3] as const, ["!mine 1", "1"] as const],
  ...[["! 1", "1"] as const, ["!!binary aGk=", "hi"] as const, ["!!float 3", 3] as const],
  ...[['"on"', "on"] as const, ["|\n  x\n", "x\n"] as const],
];
for (const [text, value] of scalars) {
  test(`the scalar ${JSON.stringify(text)} is ${JSON.stringify(value)}`, () => {
    assert.deepEqual(read(`a: ${text}`), [{ a: value }]);
  });
}

const files: readonly { name: string; given: string | Uint8Array; want: readonly unknown[] }[] = [
  {
    name: "keys are text",
    given: "1: a\nyes: b\n1.5: c\n",
    want: [{ 1: "a", true: "b", 1.5: "c" }],
  },
  {
    name: "a merge key goes over what is before it",
    given: "a: 1\n<<: {a: 2}\n",
    want: [{ a: 2 }],
  },
  { name: "and under what is behind it", given: "<<: {a: 2}\na: 1\n", want: [{ a: 1 }] },
  {
    name: "of several merged the first counts",
    given: "<<: [{a: 1}, {a: 2, b: 3}]\n",
    want: [{ a: 1, b: 3 }],
  },
  { name: "an anchor", given: "a: &x [1]\nb: *x\n", want: [{ a: [1], b: [1] }] },
  {
    name: "documents, empty ones among them",
    given: "---\n---\na: 1\n--- # b\nb: 2\n",
    want: [{ a: 1 }, { b: 2 }],
  },
  { name: "JSON after JSON", given: '{"a": "\\/"}\n{"a": 2}', want: [{ a: "/" }, { a: 2 }] },
  {
    name: "JSON that is no YAML",
    given: `{\n\t"${"k".repeat(2_000)}":\t[\n\t1]}`,
    want: [{ ["k".repeat(2_000)]: [1] }],
  },
  { name: "YAML after JSON", given: '{"a": 1}\n---\nb: yes\n', want: [{ a: 1 }, { b: true }] },
  { name: "a brace that is no JSON", given: "{a: yes}\n", want: [{ a: true }] },
  { name: "a byte order mark", given: "\ufeffa: 1\n", want: [{ a: 1 }] },
  {
    name: "UTF-16",
    given: Buffer.from("\ufeffa: ü\n---\nb: 1", "utf16le"),
    want: [{ a: "ü" }, { b: 1 }],
  },
  {
    name: "UTF-16, big-endian",
    given: Buffer.from("\ufeffa: 1\n", "utf16le").swap16(),
    want: [{ a: 1 }],
  },
  {
    name: "UTF-16 that nothing tells",
    given: Buffer.from("a: 1\n", "utf16le"),
    want: ["1: is UTF-16 without a byte order mark, which kubectl cannot read"],
  },
  { name: "what is not UTF-8", given: Buffer.from([97, 58, 32, 255]), want: [{ a: "\ufffd" }] },
  {
    name: "a NUL",
    given: "a: 1\n# \0",
    want: ["2: has the control character U+0000, which kubectl does not take"],
  },
  {
    name: "a line separator, which ends a comment for kubectl",
    given: "# x\u2028a: 1\n",
    want: ["1: has U+2028, which kubectl takes for the end of a row"],
  },
  {
    name: "a directive",
    given: "%YAML 1.1\n---\na: 1\n",
    want: ["1: begins with %, which kubectl does not take"],
  },
  {
    name: "an unknown anchor",
    given: "a: 1\nb: *x\n",
    want: ["2: names the anchor x, which is not there"],
  },
  {
    name: "an infinite number",
    given: "a: .inf\n",
    want: ["1: has .inf, and JSON has no such number"],
  },
  { name: "an empty key", given: "a: {~: 1}\n", want: ["1: has an empty key"] },
  {
    name: "half a character as an escape, which JSON alone has",
    given: 'a: "\\ud83d\\ude00"\n',
    want: ["1: has the escape \\ud83d, which kubectl does not take"],
  },
  {
    name: "the same with eight digits, and not behind an escaped backslash",
    given: 'a: "\\\\ud83d"\nb: "\\U0000D83D"\n',
    want: ["2: has the escape \\U0000D83D, which kubectl does not take"],
  },
  {
    name: "a question mark in text between brackets",
    given: "a: x?y\nb: {c: d,\n  e: http://x/?y}\n",
    want: ["3: has ? in text between brackets, where it is no text for kubectl"],
  },
  {
    name: "a colon at the beginning of such text",
    given: "a: ::1\nb: [::1]\n",
    want: ["2: has : in text between brackets, where it is no text for kubectl"],
  },
  {
    name: "a key between brackets without a blank",
    given: "a: {'b':[c], d: {}}\nb: {c:{d: e}}\n",
    want: ["2: has nothing between the : of a key and the next mark, so it is text for kubectl"],
  },
  {
    name: "a comment right behind a token",
    given: "a: [b,#c\n  d]#e\nb: 'x'#y\n",
    want: [{ a: ["b", "d"], b: "x" }],
  },
  { name: "a byte order mark within text", given: "a: x\ufeffy\n", want: [{ a: "x\ufeffy" }] },
  { name: "a tab", given: "a:\n\tb: 1\n", want: ["2: has a tab where kubectl takes spaces alone"] },
  { name: "a tab in a block of text", given: "a: |\n  \tx\n", want: [{ a: "\tx\n" }] },
  {
    name: "a separator with text behind it: nothing of before, either",
    given: "a: 1\n--- b\nc: 1\n",
    want: ["2: has text after ---, so kubectl reads neither what is before nor behind it"],
  },
  {
    name: "nothing after a document that is refused",
    given: "a: 1\n---\nb: [\n---\nc: 1\n",
    want: [
      { a: 1 },
      "3: is not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]",
    ],
  },
];
for (const { name, given, want } of files) {
  test(`readDocuments: ${name}`, () => assert.deepEqual(read(given), want));
}

test("a document that is nested too deep is refused", () => {
  const [one] = read(`a: ${"[".repeat(100_000)}`);
  assert.match(String(one), /^1: /);
});

test("an alias is the last node before it with its anchor", () => {
  assert.deepEqual(read("a: &x 1\nb: *x\nc: &x 2\nd: *x\n"), [{ a: 1, b: 1, c: 2, d: 2 }]);
  assert.deepEqual(read("a: *x\nb: &x 1\n"), ["1: names the anchor x, which is not there"]);
  assert.match(String(read("a: &x [*x]\n")[0]), /^1: /, "itself");
});

test("twenty thousand aliases, and as many fields asked for, are read in one go each", () => {
  const many = Array.from({ length: 20_000 }, (_, i) => i);
  const text = `x: &x {y: 1}\nlist:\n${many.map((i) => `  k${i}: *x\n`).join("")}`;
  const [document] = readDocuments(Buffer.from(text));
  assert.ok(document !== undefined && !("error" in document));
  const lines = many.map((i) => document.lineOf(`list.k${i}`));
  assert.deepEqual(
    lines,
    many.map((i) => i + 3),
  );
});

test("each of many JSON values has its own line, also behind those of several rows", () => {
  const text = '\n{"a":\n1} {"a": 2}\n\n'.repeat(5_000);
  const lines = readDocuments(Buffer.from(text)).map(({ line }) => line);
  assert.deepEqual([lines.length, ...lines.slice(0, 4)], [10_000, 2, 3, 6, 7]);
  assert.deepEqual(lines.slice(-2), [19_998, 19_999]);
});

test("readDocuments never throws", () => {
  const part = fc.constantFrom(
    ..."ab:-?|>&*!%@`'\"{}[],#~<\t\n\r \u2028\ufeff01_.",
    "---\n",
    "<<: *a\n",
  );
  const text = fc.array(part, { maxLength: 30 }).map((parts) => Buffer.from(parts.join("")));
  const bytes = fc.uint8Array({ maxLength: 60 });
  fc.assert(
    fc.property(fc.oneof(text, bytes), (given) => {
      assert.ok(Array.isArray(readDocuments(given)));
    }),
    { numRuns: 2_000 },
  );
});
