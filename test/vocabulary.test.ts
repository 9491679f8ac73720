import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { type BinaryExpression, type Node, SyntaxKind } from "typescript/unstable/ast";
import {
  isArrayLiteralExpression,
  isBinaryExpression,
  isCaseBlock,
  isCaseClause,
  isIdentifier,
  isLiteralTypeNode,
  isObjectLiteralExpression,
  isSpreadAssignment,
  isStringLiteral,
  isTypeLiteralNode,
  isUnionTypeNode,
} from "typescript/unstable/ast/is";
import { actionKinds } from "../policy/actions/index.ts";
import { argOperatorNames, argTypes } from "../policy/args/index.ts";
import { conditionKinds, conditionSections } from "../policy/conditions/index.ts";
import { isProduct, root } from "./imports.ts";
import { nodesIn, openSources } from "./sources.ts";

/** The words of the language, each of which is an entry of one registry. */
const vocabularies: Readonly<Record<string, ReadonlySet<string>>> = {
  "types of arguments": new Set<string>(argTypes),
  operators: new Set<string>([...argOperatorNames, "In", "NotIn"]),
  actions: new Set(Object.keys(actionKinds)),
  "kinds of conditions": new Set(Object.keys(conditionKinds)),
  "sections of conditions": new Set<string>(conditionSections),
};

/** Where such words may stand side by side: registries, and what upstream's policies are made of. */
const registries = [
  /^policy\/(args|conditions|actions|schema)\//,
  /^agent\/(args|actions|compile\/conditions)\//,
];
const registriesInC = /^bpf\/engine\/(arg|condition|action)(\.h$|\/)/;

/** So many words of one vocabulary side by side are a list of it: a new word would have to be added. */
const listOf = 3;

const sources = openSources();
after(() => sources.close());

test("no TypeScript lists words of the language outside their registries", () => {
  const lists = [...sources.files]
    .filter(([file]) => /^(policy|kube|operator|agent|cli)\//.test(file) && ships(file))
    .filter(([file]) => !registries.some((registry) => registry.test(file)))
    .flatMap(([file, source]) =>
      [...nodesIn(source)].flatMap((node) =>
        listed(wordsOf(node)).map((what) => `${file} lists ${what}`),
      ),
    );
  assert.deepEqual(lists, []);
});

test("no C lists codes of the language outside their registries", () => {
  const files = globSync("bpf/**/*.{c,h}", { cwd: root }).filter(ships);
  const codes = new Set(
    files.filter((file) => registriesInC.test(file)).flatMap((file) => rowsIn(file)),
  );
  const lists = files
    .filter((file) => !registriesInC.test(file))
    .map((file) => {
      const text = readFileSync(join(root, file), "utf8").replace(/\/\*.*?\*\//gs, ""); // of comments none
      const words = text.match(/\b[A-Z][A-Z0-9_]+\b/g) ?? [];
      return { file, found: [...new Set(words)].filter((word) => codes.has(word)) };
    })
    .filter(({ found }) => found.length >= listOf)
    .map(({ file, found }) => `${file} lists ${found.join(", ")}`);
  assert.ok(codes.size > 10, `codes: ${[...codes].join(", ")}`);
  assert.deepEqual(lists, []);
});

test("a list is found wherever it hides", () => {
  const source = sources.files.get("test/testing/word-lists.ts")!;
  const found = [...nodesIn(source)].flatMap((node) => listed(wordsOf(node)));
  assert.deepEqual(found, [
    "kinds of conditions: pid, binary, arg",
    "types of arguments: int, int64, file",
    "actions: Post, Signal, Override",
    "operators: Equal, Prefix, NotEqual",
    "actions: Post, Signal, Override",
    "types of arguments: fd, size_t, uint64",
  ]);
});

/** `actions: Post, Signal, Override` where `words` are a list of some vocabulary. */
function listed(words: readonly string[]): readonly string[] {
  return Object.entries(vocabularies).flatMap(([what, vocabulary]) => {
    const found = [...new Set(words)].filter((word) => vocabulary.has(word));
    return found.length >= listOf ? [`${what}: ${found.join(", ")}`] : [];
  });
}

/** Words that stand side by side in `node`: elements, keys, members, cases, comparisons. */
function wordsOf(node: Node): readonly string[] {
  if (isArrayLiteralExpression(node)) return node.elements.flatMap(textOf);
  if (isObjectLiteralExpression(node)) {
    return node.properties.flatMap((property) =>
      isSpreadAssignment(property) ? wordsOf(property.expression) : textOf(property.name),
    );
  }
  if (isUnionTypeNode(node)) return node.types.flatMap(textOf);
  if (isTypeLiteralNode(node))
    return node.members.flatMap((member) => textOf((member as { readonly name?: Node }).name));
  if (isCaseBlock(node)) {
    return node.clauses.flatMap((clause) =>
      isCaseClause(clause) ? textOf(clause.expression) : [],
    );
  }
  return isBinaryExpression(node) ? comparedIn(node) : [];
}

/** Texts that a chain of comparisons compares with. */
function comparedIn({ left, operatorToken, right }: BinaryExpression): readonly string[] {
  const isChain = [SyntaxKind.BarBarToken, SyntaxKind.AmpersandAmpersandToken].includes(
    operatorToken.kind,
  );
  if (!isChain) return [...textOf(left), ...textOf(right)];
  return [left, right].flatMap((side) => (isBinaryExpression(side) ? comparedIn(side) : []));
}

function textOf(node: Node | undefined): readonly string[] {
  if (node === undefined) return [];
  if (isLiteralTypeNode(node)) return textOf(node.literal);
  return isStringLiteral(node) || isIdentifier(node) ? [node.text] : [];
}

/** The codes in the rows of a registry's lists: `X(ARG_INT, int__number)`. */
function rowsIn(file: string): readonly string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/\bX\(([A-Z][A-Z0-9_]+)/g)].map((row) => row[1]!);
}

function ships(file: string): boolean {
  return isProduct(file) && !/(^|\/)(gen|testing|testdata)\//.test(file);
}
