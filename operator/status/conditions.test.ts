import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { conditionTypes, exceptionReasons } from "@guardbee/policy";
import { reasons } from "./conditions.ts";

const page = new URL("../../docs/concepts/status.md", import.meta.url);

test("docs/concepts/status.md lists exactly the reasons that there are", async () => {
  const documented: string[] = [];
  let type = "";
  const table = (await readFile(page, "utf8")).split("## Conditions")[1]!.split("\n## ")[0]!;
  for (const line of table.split("\n")) {
    const cells = line.split("|").map((cell) => cell.trim());
    if (cells.length < 6 || cells[1] === "type" || cells[1]?.startsWith("---")) continue;
    type = cells[1] || type;
    for (const reason of cells[3]!.split(", ")) documented.push(`${type} ${cells[2]} ${reason}`);
  }
  const real = conditionTypes.flatMap((one) =>
    Object.entries(reasons[one]).flatMap(([status, list]) =>
      list.map((reason: string) => `${one} ${status} ${reason}`),
    ),
  );
  assert.deepEqual(documented.sort(), real.sort());
});

test("docs/concepts/status.md says what each reason of a node means", async () => {
  const nodes = (await readFile(page, "utf8")).split("\n## Nodes")[1]!.split("\n## ")[0]!;
  const documented = [...nodes.matchAll(/^\| ([A-Z]\w+) \|/gm)].map(([, reason]) => reason!);
  assert.deepEqual(documented.sort(), [...exceptionReasons].sort());
});
