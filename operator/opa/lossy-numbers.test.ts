import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isHeld, lossyNumber } from "./lossy-numbers.ts";

const lossy: readonly { readonly text: string; readonly number: string; readonly path: string }[] =
  [
    { text: "18446744073709551615", number: "18446744073709551615", path: "" },
    { text: '[{"result": 9007199254740993}]', number: "9007199254740993", path: "[0].result" },
    { text: '{"a b": [1, {"c": 1e400}]}', number: "1e400", path: '["a b"][1].c' },
    { text: '{{"x": -1e-400}}', number: "-1e-400", path: "[0].x" },
    { text: "9007199254740992.5", number: "9007199254740992.5", path: "" },
    { text: "{12345678901234567890: 1}", number: "12345678901234567890", path: "" },
    { text: "1e-2147483648", number: "1e-2147483648", path: "" },
  ];
for (const { text, number, path } of lossy) {
  test(`${text} has ${number} at ${JSON.stringify(path)}`, () => {
    assert.deepEqual(lossyNumber(text), { number, path });
  });
}

test("numbers that JavaScript holds, and digits in strings, are none", () => {
  const text =
    '[0, -1, 1.0, 0.1, 0.33333333333333333333, 1e2, 4294967296, 9007199254740992, 1e22, 5e-324, -0, "18446744073709551615\\"1e400"]';
  assert.equal(lossyNumber(text), undefined);
});

test("whole numbers up to 2^53 and what JavaScript writes are held, odd ones above are not", () => {
  const most = 2n ** 53n;
  const safe = fc.bigInt({ min: -most, max: most });
  fc.assert(fc.property(safe, (whole) => assert.ok(isHeld(String(whole)))));
  const written = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(fc.property(written, (x) => assert.ok(isHeld(String(x)))));
  const odd = fc.bigInt({ min: most / 2n, max: 2n ** 80n }).map((half) => half * 2n + 1n);
  fc.assert(fc.property(odd, (whole) => assert.ok(!isHeld(String(whole)))));
});
