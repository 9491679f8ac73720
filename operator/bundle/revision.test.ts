import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareRevisions } from "./revision.ts";

const cases: readonly (readonly [string, string, number | undefined])[] = [
  ["v1.9.3", "v1.10.0", -1],
  ["2026-11-29", "2026-02-01", 1],
  ["17", "17", 0],
  ["007", "7", 0],
  ["99999999999999999998", "99999999999999999999", -1],
  ["v1.2", "v1.2.3", undefined],
  ["v1.2-rc1", "v1.3", undefined],
  ["v2.0-a", "v1.0-b", undefined],
  ["release", "release", undefined],
  ["", "1", undefined],
  ["3f9ac01", "b07e2d4", undefined],
];
for (const [a, b, want] of cases) {
  test(`${a} and ${b}: ${want}`, () => assert.equal(compareRevisions(a, b), want));
}

test("any two revisions compare the other way round as well", () => {
  const revision = fc.stringMatching(/^[a-c.0-9-]{0,12}$/);
  fc.assert(
    fc.property(revision, revision, (a, b) => {
      const [one, other] = [compareRevisions(a, b), compareRevisions(b, a)];
      assert.equal(
        one === undefined ? undefined : 0 - one,
        other === undefined ? undefined : other,
      );
    }),
  );
});
