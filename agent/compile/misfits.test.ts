import assert from "node:assert/strict";
import { test } from "node:test";
import { misfits } from "./misfits.ts";

/** Takes names whose sizes (their numbers) add up to `limit` at most. */
function upTo(limit: number) {
  return (some: ReadonlySet<string>): void => {
    const sizes = [...some].map((name) => Number(name.slice(1)));
    if (sizes.reduce((sum, size) => sum + size, 0) > limit) throw new RangeError("too much");
  };
}

const cases: readonly { name: string; names: readonly string[]; gone: readonly string[] }[] = [
  { name: "nothing when all fit", names: ["a3", "b4", "c3"], gone: [] },
  { name: "the one that is too large by itself", names: ["a1", "b11", "c9"], gone: ["b11"] },
  { name: "later ones before earlier ones", names: ["a6", "b6", "c4"], gone: ["b6"] },
  { name: "every one that finds no room", names: ["a5", "b5", "c1", "d1"], gone: ["c1", "d1"] },
  { name: "all where none fits", names: ["a11", "b12"], gone: ["a11", "b12"] },
  { name: "nothing of nothing", names: [], gone: [] },
];
for (const { name, names, gone } of cases) {
  test(`misfits names ${name}`, () => {
    assert.deepEqual(misfits(names, upTo(10)), gone);
  });
}

test("misfits passes on what is no limit", () => {
  const bug = new TypeError("a bug");
  const check = () => {
    throw bug;
  };
  assert.throws(() => misfits(["a1"], check), bug);
});
