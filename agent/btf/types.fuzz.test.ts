import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBtfPath } from "@guardbee/policy/sets";
import fc from "fast-check";
import { extentOf } from "../../test/testing/fuzz.ts";
import { anyBroken } from "../elf/testing-files.ts";
import { findPath, mostPointers } from "./find-path.ts";
import { btfOf, sampleTypes } from "./testing-types.ts";
import { BtfError, BtfTypes } from "./types.ts";

const whole = btfOf(sampleTypes);
const names = ["pid", "comm", "in", "b", "d", "fds", "f_path", "dentry", "next", "caps", "flag"];

/** Paths that are right, and such that are not. */
const anyPath = fc
  .array(
    fc.oneof(
      fc.constantFrom(...names).map((name) => `.${name}`),
      fc.nat(70_000).map((number) => `[${number}]`),
    ),
    { minLength: 1, maxLength: 14 },
  )
  .map((steps) => steps.join("").replace(/^\./, ""));

test("broken types are read, or refused, and no path leads further than programs go", () => {
  let refusals = 0;
  fc.assert(
    fc.property(anyBroken(whole), anyPath, (broken, path) => {
      const steps = parseBtfPath(path);
      if (typeof steps === "string") return;
      try {
        const types = new BtfTypes(broken);
        const root = types.structNamed("task");
        if (root === undefined) return;
        const found = findPath(types, root, steps);
        if (typeof found === "string") return assert.notEqual(found, "");
        assert.ok(found.offsets.length <= mostPointers + 1);
        assert.ok(found.offsets.every((offset) => offset >= 0 && offset < 2 ** 32));
        assert.ok(found.bytes <= 8);
      } catch (error) {
        if (!(error instanceof BtfError)) throw error;
        refusals++;
      }
    }),
    extentOf(2000),
  );
  assert.ok(refusals > 10, `only ${refusals} were refused`);
});
