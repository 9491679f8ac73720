import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type PathStep, parseBtfPath } from "./btf-path.ts";

const member = (name: string): PathStep => ({ kind: "member", name });
const element = (number: number): PathStep => ({ kind: "element", number });

test("a path is members, and of several one by its number", () => {
  assert.deepEqual(parseBtfPath("comm"), [member("comm")]);
  assert.deepEqual(parseBtfPath("files.fdt.fd[0].f_path"), [
    ...["files", "fdt", "fd"].map(member),
    ...[element(0), member("f_path")],
  ]);
  assert.deepEqual(parseBtfPath("[2].a[1][3]"), [
    ...[element(2), member("a")],
    ...[element(1), element(3)],
  ]);
});

const wrong: Readonly<Record<string, RegExp>> = {
  "": /is empty/,
  ".a": /has ".a" where a member's name should be/,
  "a.": /has a dot at its end/,
  "a..b": /has ".b" where/,
  "a.[0]": /has brackets behind a dot/,
  "a[]": /has brackets without a number/,
  "a[0": /has brackets without a number/,
  "a[[0]]": /has brackets without a number/,
  "a[-1]": /has brackets without a number/,
  "a[0]b": /has "b" where/,
  "a b": /has " b" where/,
  "a[70000]": /has element 70000, beyond 65535/,
  "a->b": /has "->b" where/,
  ["x".repeat(513)]: /has 513 bytes, more than 512/,
};

for (const [path, why] of Object.entries(wrong)) {
  test(`the path ${JSON.stringify(path.slice(0, 20))} is refused with what is wrong`, () => {
    const steps = parseBtfPath(path);
    assert.ok(typeof steps === "string", JSON.stringify(steps));
    assert.match(steps, why);
  });
}

test("whatever is written, a path is steps that read so again, or is refused", () => {
  const piece = fc.constantFrom("a", "_b1", ".", "[", "]", "0", "7", "[3]", " ", "-", ".c");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const path = pieces.join("");
      const steps = parseBtfPath(path);
      if (typeof steps === "string") return assert.notEqual(steps, "");
      const again = steps
        .map((step) => (step.kind === "member" ? `.${step.name}` : `[${step.number}]`))
        .join("");
      assert.equal(again.replace(/^\./, ""), path);
    }),
    { numRuns: 2000 },
  );
});
