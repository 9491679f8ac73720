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

test("the widest columns are wrapped to the terminal, and lose nothing", () => {
  const message = "no BPF LSM: add bpf to the kernel's lsm= list, or set mode: monitor";
  const names = "worker-1, worker-2, worker-3, worker-4, worker-5 +7 more";
  const text = formatTable(["COUNT", "SUCH AS", "MESSAGE"], [[12, names, message]], 60);
  const lines = text.trimEnd().split("\n");
  assert.deepEqual(
    lines.filter((line) => line.length > 60),
    [],
  );
  const at = [0, lines[0]!.indexOf("SUCH AS"), lines[0]!.indexOf("MESSAGE")];
  const column = (i: number) =>
    lines
      .slice(1)
      .map((line) => line.slice(at[i], at[i + 1]).trim())
      .join(" ")
      .trim();
  assert.deepEqual([column(0), column(1), column(2)], ["12", names, message]);
});

test("in a pipe nothing is wrapped, also not what takes two columns a character", () => {
  const wide = "节点 没有 🐝🐝 响应";
  const text = formatTable(["NAME", "MESSAGE"], [["节点", wide]], undefined);
  assert.deepEqual(text.split("\n")[1]?.split(/ {2,}/), ["节点", wide]);
});

test("a terminal that is too narrow for the words gets longer lines, not broken ones", () => {
  const text = formatTable(head, rows, 10);
  assert.deepEqual(
    text.split("\n").filter((line) => line.includes("longer-name") || line.includes("MESSAGE")),
    ["NAME          NODES   MESSAGE", "longer-name   10      -"],
  );
});

test("facts are aligned, and one without a value is left out", () => {
  const facts = [
    ["Mode", "enforce"],
    ["Digest", undefined],
    ["Generation", "3"],
  ] as const;
  assert.equal(formatFacts(facts), "Mode:       enforce\nGeneration: 3\n");
});
