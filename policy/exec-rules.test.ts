import assert from "node:assert/strict";
import { test } from "node:test";
import { globMatches } from "./args/glob.ts";
import { isNamed, matchesGlob } from "./exec-rules.ts";

const globs: readonly (readonly [glob: string, path: string, want: boolean])[] = [
  ["/usr/bin/*", "/usr/bin/curl", true],
  ["/usr/bin/*", "/usr/bin/a/curl", false],
  ["/usr/*/curl", "/usr/bin/curl", true],
  ["/usr/**", "/usr/bin/a/curl", true],
  ["/usr/**/curl", "/usr/bin/a/curl", true],
  ["/usr/**/curl", "/usr/bin/a/curl2", false],
  ["/usr/**/curl", "/usr/curl", false],
  ["/usr/bin/py?hon", "/usr/bin/python", false],
  ["/usr/bin/a.c", "/usr/bin/abc", false],
  ["/opt/[x]", "/opt/[x]", true],
  ["/opt/*", "/opt/\n", true],
];
for (const [glob, path, want] of globs) {
  test(`${glob} ${want ? "matches" : "does not match"} ${JSON.stringify(path)}`, () => {
    assert.equal(matchesGlob(path, glob), want);
  });
}

for (const [glob, path, want] of globs.filter(([glob]) => !/[?[\]]/.test(glob))) {
  test(`the kernel's patterns: ${glob} on ${JSON.stringify(path)} is the same`, () => {
    assert.equal(globMatches(Buffer.from(path), [glob]), want);
  });
}

test("a glob that is hard to match takes no time", () => {
  const beganMs = performance.now();
  assert.equal(matchesGlob(`/${"a".repeat(1_000)}`, `/${"**a".repeat(100)}b`), false);
  assert.ok(performance.now() - beganMs < 2_000);
});

const sh = { path: "/bin/sh", parents: ["/usr/bin/web"] };
const rules: readonly {
  readonly name: string;
  readonly rules: Parameters<typeof isNamed>[0];
  readonly seen?: Parameters<typeof isNamed>[1];
  readonly want: boolean;
}[] = [
  { name: "no list", rules: {}, want: false },
  { name: "its path", rules: { allow: [{ paths: ["/bin/sh"] }] }, want: true },
  { name: "its path in deny", rules: { deny: [{ paths: ["/bin/sh"] }] }, want: true },
  { name: "another path", rules: { allow: [{ paths: ["/bin/bash"] }] }, want: false },
  { name: "a prefix", rules: { allow: [{ pathPrefixes: ["/bin/"] }] }, want: true },
  { name: "a rule that asks nothing", rules: { allow: [{}] }, want: false },
  { name: "a user beside", rules: { allow: [{ paths: ["/bin/sh"], users: [0] }] }, want: false },
  {
    name: "the parent that it had",
    rules: { allow: [{ paths: ["/bin/sh"], parents: ["/usr/bin/web"] }] },
    want: true,
  },
  {
    name: "one of two parents",
    rules: { allow: [{ paths: ["/bin/sh"], parents: ["/usr/bin/web"] }] },
    seen: { ...sh, parents: ["/usr/bin/web", "/bin/x"] },
    want: false,
  },
];
for (const { name, rules: given, seen = sh, want } of rules) {
  test(`${name} ${want ? "names" : "does not name"} an executable`, () => {
    assert.equal(isNamed(given, seen), want);
  });
}
