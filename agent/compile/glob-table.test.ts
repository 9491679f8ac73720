import assert from "node:assert/strict";
import { test } from "node:test";
import { matchesGlob } from "@guardbee/policy";
import fc from "fast-check";
import { layout } from "../gen/layout.ts";
import { read } from "../layout/struct.ts";
import { globAutomatonOf } from "./glob-automaton.ts";
import { encodeGlobs } from "./glob-table.ts";

const { glob_head, glob_state, glob_step } = layout;

/** The patterns that `text` is as, by the table as the engine walks it. */
function met(patterns: readonly string[], text: string): readonly string[] {
  const rows: (readonly string[])[] = [];
  const automaton = globAutomatonOf(patterns, 10_000)!;
  const table = encodeGlobs(automaton, (state) => rows.push(state.met) - 1)!;
  const { steps, classes } = read(table, glob_head);
  const stateOf = (number: number) =>
    read(table, glob_state, glob_head.size + number * glob_state.size);
  let state = 0;
  for (const byte of Buffer.from(text)) {
    const { first, otherwise } = stateOf(state);
    const step = read(table, glob_step, steps + (first + classes[byte]!) * glob_step.size);
    state = step.of === state + 1 ? step.to : otherwise;
  }
  return rows[stateOf(state).row]!.toSorted();
}

const anyText = fc
  .string({ unit: fc.constantFrom("a", "b", "/", "\xe4"), maxLength: 10 })
  .map((text) => `/${text}`);
const anyPattern = fc
  .array(fc.constantFrom("a", "b", "/", "\xe4", "*", "**"), { minLength: 1, maxLength: 8 })
  .map((parts) => `/${parts.join("")}`)
  .filter((pattern) => !pattern.includes("***"));

test("the table of patterns tells which of them a text is as, and no other", () => {
  const anyPatterns = fc.uniqueArray(anyPattern, { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(anyPatterns, anyText, (patterns, text) => {
      const want = patterns.filter((pattern) => matchesGlob(text, pattern)).sort();
      assert.deepEqual(met(patterns, text), want);
    }),
    { numRuns: 2_000 },
  );
});

test("the table of patterns with all bytes but 0 tells each from the others", () => {
  const all = Array.from({ length: 255 }, (_, i) => `/${String.fromCodePoint(i + 0x100)}`);
  for (const one of [all[0]!, all[63]!, all[254]!]) assert.deepEqual(met(all, one), [one]);
  assert.deepEqual(met(all, "/x"), []);
});

test("the table of thousands of workloads' patterns is a few megabytes", () => {
  const patterns = Array.from({ length: 2_000 }, (_, i) => [
    `/srv/app-${i}/releases/*/bin/*`,
    `/srv/app-${i}/**/hooks/*.sh`,
  ]).flat();
  const automaton = globAutomatonOf(patterns, 400_000);
  assert.ok(automaton !== undefined);
  const table = encodeGlobs(automaton, () => 0);
  assert.ok(table !== undefined && table.length < 1 << 22, `${table?.length} bytes`);
});
