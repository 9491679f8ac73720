import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseManifests, root } from "./lab-programs.ts";

const pages = [
  { page: "argo-cd.md", count: 2, kinds: /^Application$/ },
  { page: "flux.md", count: 3, kinds: /^(GitRepository|Kustomization)$/ },
];

for (const { page, count, kinds } of pages) {
  test(`the manifests of docs/how-to/${page} are YAML, and their paths exist`, () => {
    const text = readFileSync(join(root, "docs/how-to", page), "utf8");
    const blocks = [...text.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);
    const objects = blocks.flatMap(parseManifests);
    assert.equal(objects.length, count);
    for (const { kind } of objects) assert.match(kind, kinds);
    const paths = [...text.matchAll(/path: ([^\s`]+)/g)].map((match) => match[1]!);
    assert.notEqual(paths.length, 0);
    for (const path of paths) assert.ok(existsSync(join(root, path)), path);
  });
}
