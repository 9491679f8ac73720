import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";

const root = dirname(import.meta.dirname);

/** Which folders each may import; itself always. Imports point down only (DESIGN §4). */
const allowed: Readonly<Record<string, readonly string[]>> = {
  policy: [],
  kube: [],
  operator: ["kube", "policy"],
  agent: ["kube", "policy"],
  cli: ["kube", "policy", "operator", "agent"],
};

test("imports point down: policy and kube, then operator and agent, then cli", () => {
  const wrong = Object.keys(allowed).flatMap((folder) =>
    sources(folder).flatMap((file) =>
      importedFolders(file)
        .filter((target) => target !== folder && !allowed[folder]!.includes(target))
        .map((target) => `${file} imports ${target}`),
    ),
  );
  assert.deepEqual(wrong, []);
});

test("the native addon has one importer", () => {
  const importers = sources("agent").filter((file) =>
    readFileSync(join(root, file), "utf8").includes("guardbee.node"),
  );
  assert.deepEqual(importers, ["agent/kernel/native.ts"]);
});

function sources(folder: string): readonly string[] {
  return globSync(`${folder}/**/*.ts`, { cwd: root })
    .filter((file) => !file.includes("node_modules"))
    .sort();
}

/** Top-level folders that a file imports, by package name or by relative path. */
function importedFolders(file: string): readonly string[] {
  const text = readFileSync(join(root, file), "utf8");
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((m) => m[1]!);
  return specifiers.flatMap((specifier) => {
    if (specifier.startsWith("@guardbee/")) return specifier.split("/")[1]!;
    if (!specifier.startsWith(".")) return [];
    const target = relative(root, join(root, dirname(file), specifier)).split("/")[0]!;
    return target in allowed ? target : [];
  });
}
