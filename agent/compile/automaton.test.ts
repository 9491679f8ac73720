import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Automaton, automatonOf } from "./automaton.ts";

/** The texts that the automaton finds in `text`. */
function found({ next, classes, ends }: Automaton, text: string): readonly string[] {
  const all = new Set<string>();
  let state = 0;
  for (const byte of Buffer.from(text, "latin1")) {
    state = next[state]![classes[byte]!]!;
    for (const one of ends[state - 1] ?? []) all.add(one);
  }
  return [...all].sort();
}

const lowerCase = (byte: number) => (byte >= 65 && byte <= 90 ? byte + 32 : byte);
const anyText = fc.string({ unit: fc.constantFrom("a", "b", "A", "\xe4"), maxLength: 12 });
const anyTexts = fc.uniqueArray(
  anyText.filter((text) => text !== ""),
  { maxLength: 8 },
);

test("an automaton finds the texts that are in a text, and no other", () => {
  fc.assert(
    fc.property(anyTexts, anyText, (texts, text) => {
      const want = texts.filter((one) => text.includes(one)).sort();
      assert.deepEqual(found(automatonOf(texts), text), want);
    }),
  );
});

test("an automaton that takes letters for others finds them for each other", () => {
  const folded = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  fc.assert(
    fc.property(anyTexts, anyText, (texts, text) => {
      const want = texts.filter((one) => folded(text).includes(folded(one))).sort();
      assert.deepEqual(found(automatonOf(texts, lowerCase), text), want);
    }),
  );
});

test("an automaton tells all 256 bytes apart", () => {
  const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
  const automaton = automatonOf(all);
  assert.equal(automaton.classBits, 8);
  assert.deepEqual(found(automaton, all.join("")), all.toSorted());
});
