import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { findOpa } from "./find-opa.ts";
import type { WasmHost } from "./host.ts";
import { canonicalResult, evalEach, moduleOfCalls, parseCalls } from "./testing/parity.ts";
import { aParityHost, resultOf } from "./testing/parity-host.ts";

const rego = new URL("../../rego/", import.meta.url);
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
    const modules = [{ path: "builtins.rego", text: moduleOfCalls(all, arities) }];
    const inputs = all.map((_, call) => ({ call }));
    expected = (await evalEach(opa, modules, [entryPoint], inputs))[entryPoint]!;
    host = await aParityHost(opa, modules, [entryPoint]);
  });
  after(() => host?.close());

  for (const [call, { line }] of calls.entries()) {
    test(line, async () => {
      const result = await resultOf(host, entryPoint, { call });
      assert.deepEqual(canonicalResult(result), canonicalResult(expected[call]));
    });
  }

  for (const [i, { line }] of different.entries()) {
    test(`known to differ: ${line}`, async () => {
      const call = calls.length + i;
      const result = await resultOf(host, entryPoint, { call });
      assert.notDeepEqual(canonicalResult(result), canonicalResult(expected[call]));
    });
  }

  test("every builtin of the capabilities is among them", () => {
    // Relations, and what the compiler makes of syntax: those are in the policies of the corpus.
    const elsewhere = ["assign", "eq", "walk", "print"];
    const tried = new Set([...all.map(({ builtin }) => builtin), ...elsewhere]);
    const untried = [...arities.keys()].filter(
      (name) => !tried.has(name) && !/^internal\.|^rego\.metadata\./.test(name),
    );
    assert.deepEqual(untried, []);
  });
});
