import assert from "node:assert/strict";
import { test } from "node:test";
import { packagePath } from "./package-path.ts";

const cases: readonly { module: string; want: readonly string[] | undefined }[] = [
  { module: "package a", want: ["a"] },
  { module: "package a.b_1.C\nimport rego.v1", want: ["a", "b_1", "C"] },
  { module: '# package no\n\n \t# METADATA\npackage a["b-c"].d # why', want: ["a", "b-c", "d"] },
  { module: 'package a["x\\"].y"];x := 1', want: ["a", 'x"].y'] },
  { module: "packages a", want: undefined },
  { module: "import rego.v1\npackage a", want: undefined },
  { module: "package a[x]", want: undefined },
  { module: "package a.b!", want: undefined },
  { module: 'package a["\\x"]', want: undefined },
  { module: "", want: undefined },
  { module: `${"# far\n".repeat(20_000)}package a`, want: undefined },
];
for (const { module, want } of cases) {
  test(`packagePath of ${JSON.stringify(module.slice(0, 40))}`, () => {
    assert.deepEqual(packagePath(module), want);
  });
}
