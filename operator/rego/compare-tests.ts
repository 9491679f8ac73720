import type { Logger } from "pino";
import { compileRego, type RegoProblem } from "../opa/compile.ts";
import { type Evaluation, WasmHost } from "../opa/host.ts";
import type { OpaAnswer } from "../opa/opa-eval.ts";
import type { RegoSource } from "../opa/rego-source.ts";
import { answerOf } from "./compare.ts";

/** What `opa test --format json` says of one test. */
export type OpaTest = {
  readonly location?: { readonly file: string; readonly row: number };
  /** As a reference: `data.edge_test`. */
  readonly package: string;
  /** With `#01` and on behind it where the package has several of that name. */
  readonly name: string;
  readonly fail?: boolean;
  readonly error?: unknown;
  readonly skip?: boolean;
  readonly sub_results?: Readonly<Record<string, SubResult>>;
};

type SubResult = {
  readonly fail?: boolean;
  readonly sub_results?: Readonly<Record<string, SubResult>>;
};

export type CompareTestsOptions = {
  readonly opa: string;
  readonly data: unknown;
  readonly log: Logger;
  /** Is told after each test how many of them are done. */
  readonly onProgress?: (done: number, all: number) => void;
};

/** A test, or a case of one, whose verdict is another under Guardbee. */
export type TestParting = {
  readonly place: string;
  readonly test: string;
  readonly opaPasses: boolean;
  /** What it came to under Guardbee: `is undefined`, `replace: ...`. */
  readonly because: string;
};

export type ComparedTests =
  | { readonly ok: true; readonly compared: number; readonly partings: readonly TestParting[] }
  | { readonly ok: false; readonly problems: readonly RegoProblem[] };

/**
 * The verdict of each test in a module as the operator has it, beside that of `opa test`. Tests that
 * opa skipped are left out. Throws when opa cannot be run.
 */
export async function compareTests(
  sources: readonly RegoSource[],
  results: readonly OpaTest[],
  { opa, data, log, onProgress }: CompareTestsOptions,
  signal: AbortSignal,
): Promise<ComparedTests> {
  // Of tests of one name a module has only the rule that all of them are.
  const tests = results
    .filter(({ skip, name }) => skip !== true && !name.includes("#"))
    .sort(byPlace); // opa runs several at once
  if (tests.length === 0) return { ok: true, compared: 0, partings: [] };
  const entryPoints = tests.map(entryPointOf);
  const compiled = await compileRego(sources, { entryPoints, data, opa, signal });
  if (!compiled.ok) return compiled;
  const host = new WasmHost({ module: compiled.module, data, log });
  const partings: TestParting[] = [];
  try {
    for (const [i, test] of tests.entries()) {
      const evaluation: Evaluation = {
        ...{ entryPoint: entryPoints[i]!, input: undefined, subject: test.name },
      };
      const answer = await answerOf(() => host.evaluate(evaluation, signal), signal);
      partings.push(...partingsOf(test, answer));
      onProgress?.(i + 1, tests.length);
    }
  } finally {
    await host.close();
  }
  return { ok: true, compared: tests.length, partings };
}

function byPlace({ location: a }: OpaTest, { location: b }: OpaTest): number {
  const [fileA, fileB] = [a?.file ?? "", b?.file ?? ""];
  return fileA < fileB ? -1 : fileA > fileB ? 1 : (a?.row ?? 0) - (b?.row ?? 0);
}

/** `data.foo["a-b"]` and `test_x` are the entry point `foo/a-b/test_x`. */
function entryPointOf({ package: reference, name }: OpaTest): string {
  const parts = [...reference.matchAll(/\["((?:[^"\\]|\\.)*)"\]|([^.[\]]+)/g)];
  const names = parts.map(([, quoted, plain]) =>
    quoted === undefined ? plain! : (JSON.parse(`"${quoted}"`) as string),
  );
  return [...names.slice(1), name].join("/");
}

function partingsOf(test: OpaTest, answer: OpaAnswer): readonly TestParting[] {
  const { location, sub_results: cases } = test;
  const place = location === undefined ? "" : `${location.file}:${location.row}`;
  const called = `${test.package}.${test.name}`;
  if (cases !== undefined && test.error === undefined) {
    const found = answer.kind === "value" ? answer.value : undefined;
    return casesIn(cases, found, called)
      .filter(({ opaPasses, passes }) => opaPasses !== passes)
      .map(({ name, opaPasses }) => {
        const inSet = opaPasses ? "the case is not in it there" : "the case is in it there";
        const because = answer.kind === "value" ? inSet : reason(answer);
        return { place, test: name, opaPasses, because };
      });
  }
  const opaPasses = test.fail !== true && test.error === undefined;
  const passes = answer.kind === "value" && answer.value !== false;
  return opaPasses === passes ? [] : [{ place, test: called, opaPasses, because: reason(answer) }];
}

type Case = { readonly name: string; readonly opaPasses: boolean; readonly passes: boolean };

/** Of `test_x[case]`: a case passes when it is in the set, or in the object as what is not false. */
function casesIn(
  cases: Readonly<Record<string, SubResult>>,
  value: unknown,
  called: string,
): readonly Case[] {
  return Object.entries(cases).flatMap(([key, { fail, sub_results }]) => {
    const name = `${called}[${JSON.stringify(key)}]`;
    const member = Array.isArray(value)
      ? value.includes(key)
      : (value as Readonly<Record<string, unknown>> | undefined)?.[key];
    if (sub_results !== undefined) return casesIn(sub_results, member, name);
    const passes = member !== undefined && member !== false;
    return [{ name, opaPasses: fail !== true, passes }];
  });
}

function reason(answer: OpaAnswer): string {
  if (answer.kind === "undefined") return "it is undefined there";
  if (answer.kind === "error") return answer.message;
  return answer.value === false ? "it is false there" : "it is true there";
}
