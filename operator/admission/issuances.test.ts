import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  defaultRotation,
  type Issuance,
  inForce,
  readIssuances,
  writeIssuances,
} from "./issuances.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const { validMs, renewAfterMs, settleMs } = defaultRotation;

function issuedAt(issuedAtMs: number): Issuance {
  const name = String(issuedAtMs);
  const expiresAtMs = issuedAtMs + validMs;
  return { issuedAtMs, expiresAtMs, ca: `ca ${name}`, certificate: `c ${name}`, key: `k ${name}` };
}

/** `serving|trusted|renew`, by the day or hour of issue. */
function show(issuances: readonly Issuance[], nowMs: number): string {
  const { serving, trusted, renew } = inForce(issuances, defaultRotation, nowMs);
  const days = trusted.map((one) => one.issuedAtMs / dayMs);
  return [serving && serving.issuedAtMs / dayMs, days.join(), renew].join("|");
}

const [first, second] = [issuedAt(0), issuedAt(60 * dayMs)];
const situations: readonly {
  name: string;
  issuances: readonly Issuance[];
  nowMs: number;
  want: string;
}[] = [
  { name: "none: one is made", issuances: [], nowMs: 0, want: "||true" },
  { name: "the only one serves at once", issuances: [first], nowMs: 0, want: "0|0|false" },
  { name: "one day before renewal", issuances: [first], nowMs: 59 * dayMs, want: "0|0|false" },
  {
    name: "renewal a month before expiry",
    issuances: [first],
    nowMs: 60 * dayMs,
    want: "0|0|true",
  },
  {
    name: "a new one is trusted first, and not served yet",
    issuances: [first, second],
    nowMs: 60 * dayMs,
    want: "0|0,60|false",
  },
  {
    name: "then it serves, and both are trusted",
    issuances: [second, first],
    nowMs: 60 * dayMs + hourMs,
    want: "60|0,60|false",
  },
  {
    name: "then the old one is trusted no more",
    issuances: [first, second],
    nowMs: 60 * dayMs + 2 * hourMs,
    want: "60|60|false",
  },
  {
    name: "nobody was there to renew: a new one serves at once beside an expired one",
    issuances: [first, issuedAt(91 * dayMs)],
    nowMs: 91 * dayMs,
    want: "91|91|false",
  },
  { name: "expired", issuances: [first], nowMs: 90 * dayMs, want: "||true" },
];
for (const { name, issuances, nowMs, want } of situations) {
  test(`certificates: ${name}`, () => assert.equal(show(issuances, nowMs), want));
}

test("however late replicas look, what one serves all others trust, before and after", () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 30 * dayMs }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(gaps, fc.integer({ min: 0, max: settleMs - 1 }), (steps, lateMs) => {
      let issuances: readonly Issuance[] = [];
      let nowMs = 0;
      for (const step of [0, ...steps]) {
        nowMs += step;
        const now = inForce(issuances, defaultRotation, nowMs);
        if (now.renew) issuances = [...now.trusted, issuedAt(nowMs)];
        const { serving, trusted } = inForce(issuances, defaultRotation, nowMs);
        assert.ok(serving !== undefined && serving.expiresAtMs > nowMs);
        assert.ok(trusted.includes(serving));
        assert.ok(trusted.length <= 3);
        // A replica that is late by less than settleMs trusts and serves what this one would.
        const late = inForce(issuances, defaultRotation, nowMs - lateMs);
        const alone = issuances.length === 1 || late.trusted[0]!.expiresAtMs <= nowMs;
        assert.ok(alone || trusted.includes(late.serving!));
        assert.ok(alone || late.trusted.includes(serving));
      }
      assert.ok(inForce(issuances, defaultRotation, nowMs + renewAfterMs).renew);
    }),
  );
});

test("certificates survive the Secret; anything else in it counts as none", () => {
  assert.deepEqual(readIssuances(writeIssuances([first, second])), [first, second]);
  const encoded = (value: unknown) => ({
    "certificates.json": Buffer.from(JSON.stringify(value)).toString("base64"),
  });
  assert.deepEqual(readIssuances({}), []);
  assert.deepEqual(readIssuances(encoded({})), []);
  assert.deepEqual(readIssuances(encoded([{ ...first, key: undefined }])), []);
  fc.assert(
    fc.property(fc.anything(), (value) => {
      assert.deepEqual(readIssuances({ "certificates.json": value }), []);
    }),
  );
});
