import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseAllDocuments } from "yaml";
import { extentOf } from "../../test/testing/fuzz.ts";
import { parsePolicies } from "../parse.ts";
import type { Problem } from "../problem.ts";
import { upstreamCorpus } from "../upstream-corpus.ts";
import { lower } from "./index.ts";

const texts = upstreamCorpus().map(({ content }) => String(content));

/** Reads and lowers as `policy check` does: what is refused says where, what and what to do. */
function check(text: string): void {
  const { policies, problems } = parsePolicies(text, "p.yaml");
  problems.forEach(isWhole);
  for (const { result, warnings } of policies) {
    warnings.forEach(isWhole);
    if (!result.ok) {
      assert.ok(result.problems.length > 0);
      continue;
    }
    const lowered = lower(result.value);
    lowered.warnings.forEach(isWhole);
    if (!lowered.ok) {
      assert.ok(lowered.problems.length > 0);
      lowered.problems.forEach(isWhole);
      assert.ok(lowered.problems.every(({ field }) => field !== ""));
    }
  }
}

function isWhole({ field, what, fix }: Problem): void {
  assert.ok(what !== "" && fix !== "", `${field}: ${what}; ${fix}`);
}

const oddTexts = ["", "*", "&a", "!!binary a", "- - -", "\t", "a: b: c", "{", "\u0000", "---", "…"];
const anyEdit = fc.record({
  line: fc.nat(),
  how: fc.constantFrom("drop", "twice", "indent", "cut", "odd"),
  odd: fc.oneof(fc.constantFrom(...oddTexts), fc.string({ unit: "binary", maxLength: 8 })),
});

test("a file with any lines changed is read, or refused", () => {
  const any = fc.tuple(fc.constantFrom(...texts), fc.array(anyEdit, { maxLength: 4 }));
  fc.assert(
    fc.property(any, ([text, edits]) => {
      const lines = text.split("\n");
      for (const { line, how, odd } of edits) {
        const at = line % Math.max(1, lines.length);
        const before = lines[at] ?? "";
        if (how === "drop") lines.splice(at, 1);
        else if (how === "twice") lines.splice(at, 0, before);
        else if (how === "indent") lines[at] = ` ${before}`;
        else if (how === "cut") lines[at] = before.slice(0, before.length >> 1);
        else lines[at] = `${before}${odd}`;
      }
      check(lines.join("\n"));
    }),
    extentOf(400),
  );
});

const oddValues: readonly unknown[] = [
  ...[null, true, -1, 0, 5, 2 ** 31, 2 ** 53, 1e300, 0.5, "", "0", "-1", "\0", "/", "*", "%"],
  ...[
    "1:2",
    "18446744073709551616",
    "fe80::/10",
    "Post",
    "Override",
    "sock",
    "list:x",
    "a".repeat(5000),
  ],
  ...[[], {}, [null], [[]], [{}], { a: 1 }],
];

/** Every place in a value, as the keys that lead there. */
function* places(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  yield path;
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) yield* places(inner, [...path, key]);
}

type Node = Record<string, unknown>;

function put(value: unknown, path: readonly string[], odd: unknown): void {
  const parent = path.slice(0, -1).reduce<unknown>((node, key) => (node as Node)[key], value);
  (parent as Node)[path.at(-1)!] = odd;
}

test("a policy with any of its values replaced is lowered, or refused", () => {
  const objects = texts.flatMap((text) =>
    parseAllDocuments(text).map((document) => document.toJS() as unknown),
  );
  const all = objects.map((object) => [...places(object)].filter((path) => path.length > 1));
  const values = all.flatMap((paths, i) => {
    const of = (path: readonly string[]) =>
      path.reduce<unknown>((node, key) => (node as Node)[key], objects[i]);
    return paths.map(of);
  });
  const change = fc.record({
    at: fc.nat(),
    value: fc.oneof(fc.constantFrom(...oddValues), fc.constantFrom(...values)),
  });
  const any = fc.tuple(
    fc.nat(objects.length - 1),
    fc.array(change, { minLength: 1, maxLength: 3 }),
  );
  fc.assert(
    fc.property(any, ([which, changes]) => {
      const object = structuredClone(objects[which]);
      for (const { at, value } of changes) {
        const paths = [...places(object)].filter((path) => path.length > 1);
        if (paths.length === 0) break;
        put(object, paths[at % paths.length]!, structuredClone(value));
      }
      check(JSON.stringify(object));
    }),
    extentOf(600),
  );
});
