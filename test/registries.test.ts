/** Whether a build notices that an entry of a registry is missing. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
const registries = [
  ["policy/args/index.ts", "argKinds"],
  ["policy/conditions/index.ts", "conditionKinds"],
  ["policy/actions/index.ts", "actionKinds"],
  ["policy/lower/hooks/index.ts", "hookKinds"],
  ["agent/args/index.ts", "argCodecs"],
  ["agent/compile/conditions/index.ts", "compilers"],
  ["agent/actions/index.ts", "actionCodecs"],
  ["agent/actions/index.ts", "actionCauses"],
  ["agent/attach/index.ts", "attachKinds"],
  ["agent/kernel/losses.ts", "kernelCauses"],
  ["agent/records/decode.ts", "kinds"],
] as const;

/** What the compiler reads in place of files. */
const changed = new Map<string, string>();
const compiler = new API({ cwd: root, fs: { readFile: (path) => changed.get(path) } });
compiler.updateSnapshot({ openProjects: [config] });
after(() => compiler.close());

for (const [registry, name] of registries) {
  const file = join(root, registry);
  const text = readFileSync(file, "utf8");
  const asItIs = programWith(file, text);
  const entries = entriesOf(asItIs, file, name);
  const refused = isRefused(asItIs, file);
  test(`${registry}: ${name} has entries, and builds as it is`, () => {
    assert.deepEqual([entries.length > 1, refused], [true, false]);
  });
  for (const { pos, end } of entries) {
    const entry = text.slice(pos, end).trim();
    test(`${registry}: ${name} without ${entry} does not build`, () => {
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

/** Whether tsc has something against it. */
function isRefused(program: Program, file: string): boolean {
  const nearby = [file, ...registries.map(([registry]) => join(root, registry))];
  return nearby.some((one) => program.getSemanticDiagnostics(one).length > 0);
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

/**
 * The lists of the engine, with what notices that a row such as `X(ACTION_POST, none__run)` is
 * missing: the compiler, or the check of agent/gen/layout.ts with which `make build` ends.
 */
const lists = [
  ["engine/arg.h", "ARG_TYPES", "a switch lacks it"],
  ["engine/arg.h", "ARG_PAYLOADS", "its layout is gone"],
  ["engine/arg.h", "ARG_ENUMS", "its layout is gone"],
  ["engine/condition.h", "NUMBER_FACETS", "a switch lacks it"],
  ["engine/condition.h", "TEXT_FACETS", "a switch lacks it"],
  ["engine/condition.h", "FACETS", "a switch lacks it"],
  ["engine/condition.h", "CONDITION_ENUMS", "its layout is gone"],
  ["engine/action.h", "ACTIONS", "a switch lacks it"],
  ["engine/action.h", "ACTION_ENUMS", "its layout is gone"],
] as const;
const generated = readFileSync(join(root, "agent/gen/layout.ts"), "utf8");

for (const [header, list, noticed] of lists) {
  const text = readFileSync(join(root, "bpf", header), "utf8");
  const start = text.indexOf(`#define ${list}(X)`);
  const macro = text.slice(start, text.indexOf("\n\n", start));
  const rows = [...macro.matchAll(/^\tX\(.*$/gm)].map(([line]) => line);
  test(`bpf/${header}: ${list} has rows, and builds as it is`, () => {
    assert.deepEqual([rows.length > 1, refusalInC(header, text)], [true, undefined]);
  });
  for (const line of rows) {
    const row = line.replace(/\s*\\$/, "").trim();
    test(`bpf/${header}: ${list} without ${row} does not build`, () => {
      // The last one ends the macro: a line without anything does it in its place.
      const rest = text.replace(line.endsWith("\\") ? `${line}\n` : line, "");
      assert.equal(refusalInC(header, rest), noticed);
    });
  }
}

test("every list of rows in bpf/ is taken apart here", () => {
  const headers = globSync("**/*.h", { cwd: join(root, "bpf"), exclude: ["testing/**"] });
  const found = headers.flatMap((header) => {
    const text = readFileSync(join(root, "bpf", header), "utf8");
    return [...text.matchAll(/^#define (\w+)\(X\)/gm)].map(([, list]) => `${header}: ${list}`);
  });
  const here = lists.map(([header, list]) => `${header}: ${list}`);
  assert.deepEqual(found.toSorted(), here.toSorted());
});

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
    return formatLayout(types) === generated ? undefined : "its layout is gone";
  } finally {
    rmSync(copy, { recursive: true });
  }
}
