import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { circles, importsOf, isProduct, root } from "./imports.ts";

/** Which folders each may import; itself always. Imports point down only (DESIGN §4). */
const allowed: Readonly<Record<string, readonly string[]>> = {
  policy: [],
  kube: [],
  operator: ["kube", "policy"],
  agent: ["kube", "policy"],
  cli: ["kube", "policy", "operator", "agent"],
};

/**
 * The rooms of a folder, the lowest first: a room may import those before it. What is beside the
 * rooms and not listed (`main.ts`) may import all of them, and none of them imports it.
 */
const floors: Readonly<Record<string, readonly string[]>> = {
  agent: [
    ...[
      "gen",
      "layout",
      "json",
      "wire",
      "state",
      "elf",
      "btf",
      "engine.ts",
      "protected-binaries.ts",
    ],
    ...["args", "actions", "records", "stacks", "attach", "compile", "kernel"],
    ...["scope", "process", "events", "metrics", "learn", "session", "grpc"],
  ],
  operator: [
    ...["field-manager.ts", "end-worker.ts", "targets", "opa", "bundle"],
    ...["fleet", "judge", "rollout", "status", "report"],
    ...["rego", "distribute", "learn", "metrics", "admission", "policy", "queues.ts"],
  ],
};

const imports = importsOf([...Object.keys(allowed), "build", "bench", "test"]);

test("imports point down: policy and kube, then operator and agent, then cli", () => {
  const wrong = edges((file) => topOf(file) in allowed).filter(
    ([file, target]) =>
      topOf(target) in allowed &&
      topOf(target) !== topOf(file) &&
      !allowed[topOf(file)]!.includes(topOf(target)),
  );
  assert.deepEqual(wrong.map(sentence), []);
});

test("what ships imports nothing that does not", () => {
  const wrong = edges((file) => topOf(file) in allowed && isProduct(file)).filter(
    ([, target]) => !(topOf(target) in allowed && isProduct(target)),
  );
  assert.deepEqual(wrong.map(sentence), []);
});

for (const [folder, rooms] of Object.entries(floors)) {
  test(`the rooms of ${folder} import those below them alone`, () => {
    const floorOf = (file: string): number => {
      const floor = rooms.indexOf(roomOf(file));
      return floor < 0 ? rooms.length : floor;
    };
    const wrong = edges((file) => topOf(file) === folder && isProduct(file)).filter(
      ([file, target]) => topOf(target) === folder && floorOf(target) > floorOf(file),
    );
    assert.deepEqual(wrong.map(sentence), []);
  });

  test(`each room of ${folder} has a floor`, () => {
    const files = [...imports.keys()].filter((file) => topOf(file) === folder && isProduct(file));
    const found = files.filter((file) => file.split("/").length > 2).map(roomOf);
    const missing = [...new Set(found)].filter((room) => !rooms.includes(room));
    const gone = rooms.filter((room) => !files.some((file) => roomOf(file) === room));
    assert.deepEqual({ missing, gone }, { missing: [], gone: [] });
  });
}

test("no files import each other in a circle, not even their types", () => {
  assert.deepEqual(
    circles(imports).map((circle) => circle.join(" → ")),
    [],
  );
});

test("a circle is found, and a diamond is none", () => {
  const circle = new Map([
    ["a", ["b"]],
    ["b", ["c", "d"]],
    ["c", ["d", "a"]],
    ["d", []],
  ]);
  assert.deepEqual(circles(circle), [["a", "b", "c", "a"]]);
  circle.set("c", ["d"]);
  assert.deepEqual(circles(circle), []);
});

test("the native addon has one importer", () => {
  const importers = [...imports.keys()].filter(
    (file) =>
      topOf(file) === "agent" && readFileSync(join(root, file), "utf8").includes("guardbee.node"),
  );
  assert.deepEqual(importers, ["agent/kernel/native.ts"]);
});

type Edge = readonly [file: string, target: string];

/** Every import of files for which `is` holds. */
function edges(is: (file: string) => boolean): readonly Edge[] {
  return [...imports]
    .filter(([file]) => is(file))
    .flatMap(([file, targets]) => targets.map((target): Edge => [file, target]));
}

function sentence([file, target]: Edge): string {
  return `${file} imports ${target}`;
}

function topOf(file: string): string {
  return file.split("/")[0]!;
}

/** `compile` of agent/compile/plan.ts, `main.ts` of agent/main.ts. */
function roomOf(file: string): string {
  return file.split("/")[1]!;
}
