/** Whether a build notices that an entry of a registry is missing. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { type Node, SyntaxKind } from "typescript/unstable/ast";
import {
  isArrayLiteralExpression,
  isObjectLiteralExpression,
  isSatisfiesExpression,
  isVariableStatement,
} from "typescript/unstable/ast/is";
import { API, type Program } from "typescript/unstable/sync";
import { formatLayout } from "../agent/layout/format-layout.ts";

const root = dirname(import.meta.dirname);
const config = join(root, "tsconfig.json");

/** Each registry: its file, and the constant that has the entries. */
const registries: Readonly<Record<string, string>> = {
  "policy/args/index.ts": "argKinds",
  "policy/conditions/index.ts": "conditionKinds",
  "policy/actions/index.ts": "actionKinds",
  "policy/lower/hooks/index.ts": "hookKinds",
  "agent/args/index.ts": "argCodecs",
  "agent/compile/conditions/index.ts": "compilers",
  "agent/actions/index.ts": "actionCodecs",
  "agent/attach/index.ts": "attachKinds",
};

/** What the compiler reads in place of files. */
const changed = new Map<string, string>();
const compiler = new API({ cwd: root, fs: { readFile: (path) => changed.get(path) } });
compiler.updateSnapshot({ openProjects: [config] });
after(() => compiler.close());

for (const [registry, name] of Object.entries(registries)) {
  const file = join(root, registry);
  const text = readFileSync(file, "utf8");
  const asItIs = programWith(file, text);
  const entries = entriesOf(asItIs, file, name);
  const refused = isRefused(asItIs, file);
  test(`${registry} has entries, and passes the checks as it is`, () => {
    assert.deepEqual([entries.length > 1, refused], [true, false]);
  });
  for (const { pos, end } of entries) {
    const entry = text.slice(pos, end).trim();
    test(`${registry} without ${entry} does not pass the checks`, () => {
      const rest = text.slice(end).replace(/^\s*,/, "");
      const program = programWith(file, text.slice(0, pos) + rest);
      assert.deepEqual(program.getSyntacticDiagnostics(file), []);
      assert.ok(isRefused(program, file));
    });
  }
}

/** The repository with `text` in place of what `file` has. */
function programWith(file: string, text: string): Program {
  changed.clear();
  changed.set(file, text);
  const snapshot = compiler.updateSnapshot({ fileChanges: { changed: [file] } });
  return snapshot.getProject(config)!.program;
}

/** Whether tsc or, for an import that nobody uses, biome has something against it. */
function isRefused(program: Program, file: string): boolean {
  const unused = 6133;
  const nearby = [file, ...Object.keys(registries).map((registry) => join(root, registry))];
  return (
    nearby.some((one) => program.getSemanticDiagnostics(one).length > 0) ||
    program.getSuggestionDiagnostics(file).some(({ code }) => code === unused)
  );
}

/** Where the entries of the registry `name` stand in `file`. */
function entriesOf(program: Program, file: string, name: string): readonly Node[] {
  const statements = program.getSourceFile(file)!.statements;
  const declarations = statements.flatMap((statement) =>
    isVariableStatement(statement) ? [...statement.declarationList.declarations] : [],
  );
  const found = declarations.find((one) => one.name.getText() === name)?.initializer;
  const literal = found && isSatisfiesExpression(found) ? found.expression : found;
  if (literal && isObjectLiteralExpression(literal)) {
    const spread = literal.properties.find(({ kind }) => kind === SyntaxKind.SpreadAssignment);
    assert.equal(spread, undefined, `${file}: an entry too many in a spread object compiles`);
    return [...literal.properties];
  }
  if (literal && isArrayLiteralExpression(literal)) return [...literal.elements];
  throw new Error(`${file}: has no registry ${name}`);
}

/** The lists of the engine: rows such as `X(ACTION_POST, none__run)`. */
const lists = ["engine/arg.h", "engine/condition.h", "engine/action.h"];
const row = /^\tX\(.*$/gm;
const generated = readFileSync(join(root, "agent/gen/layout.ts"), "utf8");

for (const list of lists) {
  const text = readFileSync(join(root, "bpf", list), "utf8");
  const rows = [...text.matchAll(row)].map(([line]) => line);
  test(`bpf/${list} has rows, and passes the checks as it is`, () => {
    assert.deepEqual([rows.length > 1, refusalInC(list, text)], [true, undefined]);
  });
  for (const line of rows) {
    test(`bpf/${list} without ${line.replace(/\s*\\$/, "").trim()} does not pass the checks`, () => {
      // The last one ends the macro: a line without anything does it in its place.
      const rest = text.replace(line.endsWith("\\") ? `${line}\n` : line, "");
      assert.match(refusalInC(list, rest) ?? "none", /^(a switch lacks it|its code is gone)$/);
    });
  }
}

/** What is against bpf/ with `text` in place of what `header` has; undefined: nothing. */
function refusalInC(header: string, text: string): string | undefined {
  const copy = mkdtempSync(join(tmpdir(), "registries-"));
  try {
    const filter = (path: string) => !/\/(build|testing)(\/|$)/.test(path);
    cpSync(join(root, "bpf"), copy, { recursive: true, filter });
    writeFileSync(join(copy, header), text);
    const make = spawnSync("make", ["-s", "-C", copy, "build/layout.o"], { encoding: "utf8" });
    if (make.status !== 0) {
      return make.stderr.includes("-Wswitch") ? "a switch lacks it" : make.stderr;
    }
    const dump = ["btf", "dump", "file", join(copy, "build/layout.o"), "-j"];
    const { types } = JSON.parse(execFileSync("bpftool", dump, { encoding: "utf8" }));
    return formatLayout(types) === generated ? undefined : "its code is gone";
  } finally {
    rmSync(copy, { recursive: true });
  }
}
