import assert from "node:assert/strict";
import { test } from "node:test";
import { failuresHalt, stopsHalt, sumOf } from "./halt.ts";

const answered = (programmed: number, failed = 0) => ({ programmed, failed, pending: 0 });

test("nodes that cannot hold it halt a roll-out; one alone where no other has answered", () => {
  for (const [programmed, failed, halts] of [
    [0, 0, false],
    [1, 0, false],
    [0, 1, true],
    [1, 1, false],
    [500, 1, false],
    [1, 2, true],
    [0, 2, true],
  ] as const) {
    assert.equal(failuresHalt(answered(programmed, failed)), halts, `${programmed} ${failed}`);
  }
});

const cases: readonly {
  readonly name: string;
  readonly stops: readonly number[];
  readonly nodes: number;
  readonly max: number | undefined;
  readonly halts: boolean;
}[] = [
  { name: "no limit", stops: [1e9, 1e9], nodes: 2, max: undefined, halts: false },
  { name: "as many as allowed on the only node", stops: [100], nodes: 1, max: 100, halts: false },
  { name: "more on the only node", stops: [200], nodes: 1, max: 100, halts: true },
  { name: "any number on one node of two", stops: [1e9], nodes: 2, max: 100, halts: false },
  { name: "none allowed, one node of two", stops: [5], nodes: 2, max: 0, halts: false },
  { name: "none allowed, two nodes", stops: [1, 1], nodes: 2, max: 0, halts: true },
  { name: "one that lies beside one with few", stops: [1e9, 20], nodes: 9, max: 100, halts: false },
  { name: "two with much", stops: [100, 100], nodes: 2, max: 100, halts: true },
  { name: "many with little each", stops: Array(101).fill(1), nodes: 101, max: 100, halts: true },
  {
    name: "as many as allowed on many",
    stops: Array(100).fill(1),
    nodes: 100,
    max: 100,
    halts: false,
  },
];
for (const { name, stops, nodes, max, halts } of cases) {
  test(`stops ${halts ? "halt" : "do not halt"} a roll-out: ${name}`, () => {
    assert.equal(stopsHalt(stops, answered(nodes), max), halts);
  });
}

test("what nodes claim adds up to no more than a status has room for", () => {
  assert.equal(sumOf([1e9, 1e9, 1e9]), 2_147_483_647);
});
