import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../imports.ts";
import { attempts, triedAgainst } from "./registry.ts";
import { elsewhere, formatBypasses, runNames, whatIsStale } from "./results.ts";

test("each attempt has an id of its own, and is made against a policy once", () => {
  const ids = attempts.map(({ id }) => id);
  assert.deepEqual(ids, [...new Set(ids)]);
  const twice = attempts.filter(
    (one) => new Set(triedAgainst(one)).size < triedAgainst(one).length,
  );
  assert.deepEqual(twice, []);
});

test("what a policy does not see is stopped by another one, or says what to do", () => {
  const open = attempts.filter(({ stoppedBy, instead }) => stoppedBy.length === 0 && !instead);
  assert.deepEqual(open, []);
});

test("the page has each attempt, on each kernel", () => {
  const page = formatBypasses();
  for (const { about } of attempts) assert.ok(page.includes(`| ${about} | `), about);
  for (const name of runNames) assert.ok(page.includes(`| ${name} |`), name);
});

test("the tests of attempts that are made elsewhere are there", () => {
  assert.deepEqual(
    elsewhere.filter(([, file]) => !existsSync(join(root, file))),
    [],
  );
});

test("results that lack an attempt, or have one that is no more, are stale", () => {
  assert.match(whatIsStale({ results: {} })!, /^lacks the attempt memory against allow$/);
  const all = Object.fromEntries(
    attempts.map((one) => [
      one.id,
      Object.fromEntries(triedAgainst(one).map((policy) => [policy, "stopped"] as const)),
    ]),
  );
  assert.equal(whatIsStale({ results: all }), undefined);
  const more = { ...all, gone: { allow: "stopped" } } as const;
  assert.match(whatIsStale({ results: more })!, /^has the attempt gone against allow/);
});
