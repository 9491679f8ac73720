import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import pino from "pino";
import { compileRego } from "./compile.ts";
import { findOpa } from "./find-opa.ts";
import { EvaluationError, WasmHost } from "./host.ts";
import { inspectModule, moduleProblems } from "./inspect.ts";
import { canonicalResult, evalWithOpa, moduleOfCalls, parseCalls } from "./testing/parity.ts";

const rego = new URL("../../rego/", import.meta.url);
const signal = new AbortController().signal;
const log = pino({ level: "silent" });
const calls = parseCalls(await readFile(new URL("testdata/parity/builtins.txt", rego), "utf8"));
const different = parseCalls(
  await readFile(new URL("testdata/parity/known-differences.txt", rego), "utf8"),
);
const capabilities = JSON.parse(await readFile(new URL("capabilities.json", rego), "utf8")) as {
  readonly builtins: readonly { readonly name: string; readonly decl: { readonly args?: [] } }[];
};
const arities = new Map(
  capabilities.builtins.map(({ name, decl }) => [name, decl.args?.length ?? 0]),
);

describe("builtins give the same under opa eval and under the host", () => {
  const all = [...calls, ...different];
  const entryPoint = "parity/builtins/out";
  let expected: Readonly<Record<string, unknown>>;
  let host: WasmHost;

  // Without opa this fails, and every case with it: parity that is not tried is not there.
  before(async () => {
    const opa = await findOpa();
    const module = { path: "builtins.rego", text: moduleOfCalls(all, arities) };
    const query = `{sprintf("%d", [i]): v |
      some i in numbers.range(0, ${all.length - 1})
      v := data.parity.builtins.out with input as {"call": i}
    }`;
    expected = (await evalWithOpa(opa, [module], query)) as typeof expected;
    const compiled = await compileRego([module], { entryPoints: [entryPoint], opa, signal });
    assert.deepEqual(compiled.ok ? [] : compiled.problems, []);
    assert.ok(compiled.ok);
    const facts = await inspectModule(compiled.module, signal);
    assert.deepEqual(moduleProblems(facts, [entryPoint]), []);
    host = new WasmHost({ module: compiled.module, log });
  });
  after(() => host?.close());

  /** Undefined where the call is, as under `opa eval`; a message where it fails. */
  async function evaluate(call: number): Promise<unknown> {
    try {
      return await host.evaluate({ entryPoint, input: { call }, subject: "parity" }, signal);
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      return error.message.endsWith("is undefined for this input") ? undefined : error.message;
    }
  }

  for (const [i, { line }] of calls.entries()) {
    test(line, async () => {
      assert.deepEqual(canonicalResult(await evaluate(i)), canonicalResult(expected[i]));
    });
  }

  for (const [i, { line }] of different.entries()) {
    test(`known to differ: ${line}`, async () => {
      const call = calls.length + i;
      assert.notDeepEqual(canonicalResult(await evaluate(call)), canonicalResult(expected[call]));
    });
  }

  test("every builtin of the capabilities is among them", () => {
    // Relations and what the compiler makes of syntax are in the policies of the corpus.
    const elsewhere = ["assign", "eq", "walk", "print", "internal.print"];
    const tried = new Set([...all.map(({ builtin }) => builtin), ...elsewhere]);
    const untried = [...arities.keys()].filter(
      (name) => !tried.has(name) && !/^internal\.|^rego\.metadata\./.test(name),
    );
    assert.deepEqual(untried, []);
  });
});
