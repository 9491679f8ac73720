import assert from "node:assert/strict";
import { test } from "node:test";
import { formatFacts, formatTable } from "./table.ts";

const head = ["NAME", "NODES", "MESSAGE"];
const rows = [
  ["a", 2, "in force on 2 of 2 nodes"],
  ["longer-name", 10, ""],
];

test("a table has upper-case headers, three spaces, and no space at the end of a line", () => {
  assert.equal(
    formatTable(head, rows, undefined),
    [
      "NAME          NODES   MESSAGE",
      "a             2       in force on 2 of 2 nodes",
      "longer-name   10      -",
      "",
    ].join("\n"),
  );
});

test("the last column is wrapped to the terminal, and loses nothing", () => {
  const message = "no BPF LSM: add bpf to the kernel's lsm= list, or set mode: monitor";
  const text = formatTable(head, [["a", 2, message]], 40);
  const lines = text.trimEnd().split("\n");
  assert.deepEqual(
    lines.filter((line) => line.length > 40),
    [],
  );
  const shown = lines.slice(1).map((line) => line.slice("NAME   NODES   ".length));
  assert.equal(shown.join(" "), message);
});

test("facts are aligned, and one without a value is left out", () => {
  const facts = [
    ["Mode", "enforce"],
    ["Digest", undefined],
    ["Generation", "3"],
  ] as const;
  assert.equal(formatFacts(facts), "Mode:       enforce\nGeneration: 3\n");
});
