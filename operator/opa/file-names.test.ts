import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { regoFileNames } from "./file-names.ts";

const named: readonly { readonly paths: readonly string[]; readonly names: readonly string[] }[] = [
  { paths: ["gen.rego", "team/größe.rego"], names: ["gen.rego", "team/größe.rego"] },
  { paths: ["/rules/a.rego", "./b.rego"], names: ["rules/a.rego", "b.rego"] },
  { paths: ["gen", "data.json", ""], names: ["gen.rego", "data.json.rego", "module.rego"] },
  {
    paths: ["../../etc/x.rego", "a b\n.rego"],
    names: ["%2E%2E/%2E%2E/etc/x.rego", "a%20b%0A.rego"],
  },
  { paths: ["module-2", "a", "a"], names: ["module-2.rego", "a.rego", "module-3.rego"] },
  { paths: ["a.rego", "a.rego", "a.rego/b"], names: ["a.rego", "module-1.rego", "module-2.rego"] },
];
for (const { paths, names } of named) {
  test(`${JSON.stringify(paths)} are called ${JSON.stringify(names)}`, () => {
    assert.deepEqual(regoFileNames(paths), names);
  });
}

test("whatever modules are called, each has a file of its own below the folder", () => {
  const part = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("..", ".", "", "a", "a.rego"),
  );
  const path = fc.array(part, { maxLength: 4 }).map((parts) => parts.join("/"));
  fc.assert(
    fc.property(fc.array(path, { maxLength: 8 }), (paths) => {
      const names = regoFileNames(paths);
      assert.equal(new Set(names).size, paths.length);
      for (const name of names) {
        assert.ok(resolve("/folder", name) === `/folder/${name}`, name);
        assert.match(name, /^[^\s:"'\\]+\.rego$/u);
        assert.ok(!names.some((other) => other.startsWith(`${name}/`)), name);
      }
    }),
  );
});
