import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

/** What an import of `file` loads, all the way down: our own files by URL, and packages. */
function loadedBy(file: URL, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file.href)) return seen;
  seen.add(file.href);
  const text = readFileSync(file, "utf8");
  for (const [, names, from] of text.matchAll(/^(?:import|export) ([^;]*?) from "([^"]+)";/gms)) {
    if (names!.startsWith("type ")) continue; // erased
    if (from!.startsWith(".")) loadedBy(new URL(from!, file), seen);
    else seen.add(from!);
  }
  return seen;
}

test("what an agent loads of this package needs no other, and no policy kind's schema", () => {
  const all = [...loadedBy(new URL("./sets.ts", import.meta.url))];
  const packages = all.filter((name) => !name.startsWith("file:"));
  assert.deepEqual(packages, ["node:crypto"]);
  const files = all.filter((name) => name.startsWith("file:"));
  const unwanted = /\/(yaml|gen)\/|\/(kinds|tracing-policy|exec-policy|rego-policy)\.ts$/;
  assert.deepEqual(
    files.filter((file) => unwanted.test(file)),
    [],
  );
});
