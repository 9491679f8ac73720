import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { findOpa } from "./find-opa.ts";
import type { WasmHost } from "./host.ts";
import { evalEach, type ParityModule } from "./testing/parity.ts";
import { aParityHost, resultOf } from "./testing/parity-host.ts";

const rego = fileURLToPath(new URL("../../rego/", import.meta.url));
const json = async (path: string) => JSON.parse(await readFile(rego + path, "utf8"));
const modulesOf = (pattern: string): Promise<readonly ParityModule[]> =>
  Promise.all(
    globSync(pattern, { cwd: rego })
      .filter((path) => !path.endsWith("_test.rego"))
      .sort()
      .map(async (path) => ({ path, text: await readFile(rego + path, "utf8") })),
  );

type Suite = {
  readonly name: string;
  readonly modules: readonly ParityModule[];
  readonly entryPoints: readonly string[];
  readonly inputs: readonly unknown[];
  readonly data?: Readonly<Record<string, unknown>>;
};

const corpus = await modulesOf("testdata/parity/policies/*.rego");
const { translations } = (await json("testdata/translations.json")) as {
  translations: readonly { policy: unknown; scope: unknown; mode: string }[];
};
const own = await modulesOf("{lib,guardrails}/*.rego");

const suites: readonly Suite[] = [
  {
    name: "the corpus",
    modules: corpus,
    entryPoints: corpus.map(({ path }) => `parity/${basename(path, ".rego")}/out`),
    inputs: await json("testdata/parity/inputs.json"),
    data: await json("testdata/parity/data.json"),
  },
  {
    name: "the guard rails, each policy as it is translated,",
    modules: own,
    entryPoints: ["guardbee/guardrails/decisions"],
    inputs: translations.flatMap(({ policy, scope, mode }) =>
      ["", "shop", "default"].map((ownNamespace) => {
        const [base] = guardFacts();
        return { policy, facts: { ...base, ownNamespace, scope, mode } };
      }),
    ),
  },
  {
    name: "the guard rails",
    modules: own,
    entryPoints: ["guardbee/guardrails/decisions"],
    inputs: translations.flatMap(({ policy }) => guardFacts().map((facts) => ({ policy, facts }))),
  },
];

/** As operator/rego gives them: where a policy holds, and what it would stop. */
function guardFacts(): readonly [object, ...object[]] {
  const base = {
    ...{ ownNamespace: "guardbee", namespaces: { shop: { tier: "edge" } }, mode: "enforce" },
    ...{ scope: { host: true, pods: {} }, enforces: true, narrowing: "none", disabled: [] },
  };
  return [
    base,
    { ...base, enforces: false, mode: "monitor" },
    { ...base, scope: { host: false, pods: { namespaces: ["kube-system", "shop"] } } },
    { ...base, scope: { host: false, pods: { labels: { matchLabels: { app: "web" } } } } },
    { ...base, narrowing: "positive", disabled: ["cluster-wide", "system-namespaces"] },
  ];
}

for (const { name, modules, entryPoints, inputs, data = {} } of suites) {
  describe(`${name} gives the same under opa eval and under the host`, () => {
    let expected: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    let host: WasmHost;

    before(async () => {
      const opa = await findOpa();
      expected = await evalEach(opa, modules, entryPoints, inputs, data);
      host = await aParityHost(opa, modules, entryPoints, data);
    });
    after(() => host?.close());

    for (const entryPoint of entryPoints) {
      for (const [i, input] of inputs.entries()) {
        test(`${entryPoint} of input ${i}`, async () => {
          assert.deepEqual(await resultOf(host, entryPoint, input), expected[entryPoint]![i]);
        });
      }
    }
  });
}
