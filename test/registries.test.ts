import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { actionNames } from "../policy/actions/index.ts";
import { argOperatorNames, argTypes } from "../policy/args/index.ts";
import { conditionKinds } from "../policy/conditions/index.ts";
import { importsOf, isProduct, root } from "./imports.ts";

/** Where the things of the language are at home: one file each, and what registers them. */
const rooms =
  /^(policy\/(args|conditions|actions|lower\/hooks)|agent\/(args|actions|attach|gen|compile\/conditions))\//;
/** Upstream's words; a table of C types, whose `int` is none of ours. */
const others = ["policy/schema/vocabulary.ts", "policy/lower/namespaced-functions.ts"];
/** Test support: which calls random policies hook, and what they read of them. */
const samples = ["policy/decide/arbitrary.ts"];

const files = [...importsOf(["policy", "operator", "agent", "cli"]).keys()].filter(
  (file) => isProduct(file) && !rooms.test(file) && ![...others, ...samples].includes(file),
);

const registries: Readonly<Record<string, readonly string[]>> = {
  types: argTypes,
  operators: argOperatorNames,
  conditions: Object.keys(conditionKinds),
  actions: actionNames,
};

for (const [what, names] of Object.entries(registries)) {
  test(`no file lists ${what} but their registry`, () => {
    const lists = files.flatMap((file) => {
      const text = readFileSync(join(root, file), "utf8");
      const named = names.filter((name) => new RegExp(`"${name}"|^\\s*${name}: `, "m").test(text));
      return named.length < 3 ? [] : [`${file}: ${named.join(", ")}`];
    });
    assert.deepEqual(lists, []);
  });
}
