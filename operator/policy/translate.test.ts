import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { lower, type Policy, parsePolicies } from "@guardbee/policy";
import pino from "pino";
import { WasmHost } from "../opa/host.ts";
import { parseScope } from "./scope.ts";
import { createTranslate, parseDecision, type Translate } from "./translate.ts";

const root = new URL("../../", import.meta.url);
const wasm = new URL("rego/build/translate.wasm", root);
if (!existsSync(wasm)) throw new Error("rego/build/translate.wasm is not built: make -C rego");
const signal = new AbortController().signal;

describe("the built-in Rego and policy/lower agree", () => {
  let host: WasmHost;
  let translate: Translate;
  before(async () => {
    const module = new Uint8Array(await readFile(wasm));
    host = new WasmHost({ module, log: pino({ level: "silent" }) });
    translate = createTranslate(host, { ownNamespace: "guardbee-system" });
  });
  after(() => host.close());

  test("on scope and mode of every case of rego/testdata/translate.json", async () => {
    const file = await readFile(new URL("rego/testdata/translate.json", root), "utf8");
    const cases = JSON.parse(file).translate_cases as readonly {
      name: string;
      policy: Policy;
      scope: unknown;
      mode: string;
    }[];
    assert.ok(cases.length > 0);
    for (const { name, policy, scope, mode } of cases) {
      const kprobes = [{ call: "fd_install", syscall: false }];
      const whole = { ...policy, apiVersion: "cilium.io/v1alpha1" } as Policy;
      const lowered = lower({ ...whole, spec: { ...policy.spec, kprobes } } as unknown as Policy);
      assert.ok(lowered.ok, name);
      assert.deepEqual([lowered.value.scope, lowered.value.mode], [scope, mode], name);
      assert.deepEqual(await translate(whole, signal), { accepted: true, scope, mode }, name);
    }
  });

  test("on every upstream policy that can be lowered", async () => {
    const folder = new URL("policy/testdata/upstream/", root);
    let compared = 0;
    for (const name of await readdir(folder)) {
      const { policies } = parsePolicies(await readFile(new URL(name, folder), "utf8"), name);
      for (const { result } of policies) {
        const lowered = result.ok ? lower(result.value) : undefined;
        if (!result.ok || lowered?.ok !== true) continue;
        const { scope, mode } = lowered.value;
        const want = { accepted: true, scope, mode };
        assert.deepEqual(await translate(result.value, signal), want, name);
        compared++;
      }
    }
    assert.ok(compared > 0, "no policy was compared");
  });

  test("the ExecPolicy of the seed is for pods alone", async () => {
    const file = new URL("config/examples/exec-policy-example.yaml", root);
    const { policies } = parsePolicies(await readFile(file, "utf8"), "seed");
    const [first] = policies;
    assert.ok(first?.result.ok);
    const want = { accepted: true, scope: { host: false, pods: {} }, mode: "enforce" };
    assert.deepEqual(await translate(first.result.value, signal), want);
  });
});

test("a scope comes out in canonical order", () => {
  const labels = {
    matchExpressions: [
      { key: "b", operator: "In", values: ["2", "1", "2"] },
      { key: "a", operator: "Exists" },
    ],
    matchLabels: { z: "1", y: "2" },
  };
  const parsed = parseScope({ host: true, pods: { namespaces: ["b", "a"], labels } });
  assert.equal(
    JSON.stringify(parsed),
    JSON.stringify({
      ok: true,
      value: {
        host: true,
        pods: {
          namespaces: ["a", "b"],
          labels: {
            matchLabels: { y: "2", z: "1" },
            matchExpressions: [
              { key: "a", operator: "Exists" },
              { key: "b", operator: "In", values: ["1", "2"] },
            ],
          },
        },
      },
    }),
  );
});

const nonsense: readonly { name: string; raw: unknown; want: string }[] = [
  { name: "no object", raw: 1, want: "result is not an object" },
  { name: "an unknown mode", raw: { mode: "x", problems: [] }, want: "mode is x" },
  {
    name: "accepted with problems",
    raw: { mode: "enforce", problems: ["no"], accepted: true, scope: { host: true } },
    want: "accepted contradicts problems",
  },
  {
    name: "a scope with more than it may have",
    raw: { mode: "enforce", problems: [], accepted: true, scope: { host: true, node: 1 } },
    want: "scope.node is unknown",
  },
  {
    name: "an unknown selector operator",
    raw: {
      mode: "enforce",
      problems: [],
      accepted: true,
      scope: {
        host: false,
        pods: { labels: { matchExpressions: [{ key: "a", operator: "Gt" }] } },
      },
    },
    want: "scope.pods.labels.matchExpressions[0].operator is Gt",
  },
];
for (const { name, raw, want } of nonsense) {
  test(`an answer of Rego is not taken: ${name}`, () => {
    const parsed = parseDecision(raw);
    assert.ok(!parsed.ok);
    assert.equal(parsed.problems.map(({ field, what }) => `${field} ${what}`).join(), want);
  });
}
