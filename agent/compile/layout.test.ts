import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { layout } from "./layout.ts";
import { nodeLimits } from "./needs.ts";

const read = (header: string) =>
  readFileSync(new URL(`../../bpf/${header}`, import.meta.url), "utf8");
const text = read("engine/tables.h") + read("types.h");

function defined(name: string): number {
  const value = text.match(new RegExp(`^#define ${name}\\s+(\\(1u << \\d+\\)|\\w+)`, "m"))?.[1];
  assert.ok(value, `no #define ${name}`);
  const bit = value.match(/<< (\d+)/)?.[1];
  return bit === undefined ? Number(value) : 1 << Number(bit);
}

function sizeOf(struct: string): number {
  const size = text.match(new RegExp(`sizeof\\(struct ${struct}\\) ==\\s+(\\d+)`))?.[1];
  assert.ok(size, `no size of struct ${struct}`);
  return Number(size);
}

test("the layout has the header's limits and bits", () => {
  const { use, match, act } = layout;
  assert.deepEqual(
    {
      ...{ wordsMax: defined("WORDS_MAX"), slotsMax: defined("SLOTS_MAX") },
      readingsMax: defined("READINGS_MAX"),
      ...{ wordSeveral: defined("WORD_SEVERAL"), wordNone: defined("WORD_NONE") },
      ...{ parametersMax: defined("PARAMETERS_MAX"), capTestsMax: defined("CAP_TESTS_MAX") },
      ...{ followGroups: defined("FOLLOW_GROUPS"), textBytes: defined("TEXT_SIZE") },
      sizeIsReturn: defined("SIZE_IS_RETURN"),
      use: Object.keys(use).map((name) => defined(`USE_${upper(name)}`)),
      match: Object.keys(match).map((name) => defined(`MATCH_${upper(name)}`)),
      act: Object.keys(act).map((name) => defined(`ACT_${upper(name)}`)),
    },
    {
      ...{ wordsMax: layout.wordsMax, slotsMax: layout.slotsMax },
      readingsMax: layout.readingsMax,
      ...{ wordSeveral: layout.wordSeveral, wordNone: layout.wordNone },
      ...{ parametersMax: layout.parametersMax, capTestsMax: layout.capTestsMax },
      ...{ followGroups: layout.followGroups, textBytes: layout.textBytes },
      sizeIsReturn: layout.sizeIsReturn,
      use: Object.values(use),
      match: Object.values(match),
      act: Object.values(act),
    },
  );
});

test("a node takes half as many hooks as the kernel counts stops of", () => {
  const { max } = read("maps.h").match(/max_entries, (?<max>\d+)\);[^}]*\} stops SEC/)!.groups!;
  assert.equal(nodeLimits.hooks * 2, Number(max));
});

test("the layout has the header's sizes, in bytes", () => {
  const structs = ["hook_spec", "action_entry", "number_key", "equal_key", "prefix_key"];
  assert.deepEqual(structs.map(sizeOf), [
    ...[layout.specBytes, layout.actionBytes, layout.numberKeyBytes],
    ...[layout.equalKeyBytes, layout.prefixKeyBytes],
  ]);
});

function upper(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
