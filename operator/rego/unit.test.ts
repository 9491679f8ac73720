import assert from "node:assert/strict";
import { describe, test } from "node:test";
import pino from "pino";
import { needOpa } from "../bundle/testing/opa.ts";
import { compileRego } from "../opa/compile.ts";
import { ModuleChecks } from "../opa/inspect.ts";
import { Sandbox } from "../opa/sandbox.ts";
import { type RegoContent, RegoUnit } from "./unit.ts";

const signal = new AbortController().signal;
const opa = needOpa();
const entryPoint = "guardbee/generate/policies";

function aContent(text: string, data: unknown = {}): RegoContent {
  const key = JSON.stringify([text, data]);
  return { digest: "sha256:x", key, data, sources: [{ path: "a.rego", text }] };
}

describe("RegoUnit", () => {
  const good = "package guardbee.generate\n\npolicies := [input.n + data.add]";

  test("evaluates what changed, keeps the last good Rego, and names its subject", async (t) => {
    const sandbox = new Sandbox({ log: pino({ level: "silent" }) });
    t.after(() => sandbox.close());
    const unit = new RegoUnit({
      subject: "RegoPolicy gen",
      compile: (sources, options, within) =>
        compileRego(sources, { entryPoints: [options.entryPoint], opa, signal: within }),
      sandbox,
      checks: new ModuleChecks(sandbox),
    });
    const load = (content: RegoContent) => unit.load(content, { entryPoint, limits: {} }, signal);
    const all = (...numbers: number[]) =>
      unit.evaluateAll(
        numbers.map((n) => ({ n })),
        undefined,
        signal,
      );
    assert.equal(unit.usable, false);
    await assert.rejects(all(1), { message: "RegoPolicy gen: has no Rego that works" });
    unit.evaluations = 0;
    assert.ok((await load(aContent(good, { add: 10 }))).ok);
    assert.deepEqual(await all(1, 2, 3), [[11], [12], [13]]);
    assert.equal(unit.evaluations, 3);
    assert.deepEqual(await all(1, 4, 3), [[11], [14], [13]]);
    assert.equal(unit.evaluations, 4, "one change costs one evaluation");
    const bad = await load(aContent("package guardbee.generate\n\npolicies := x"));
    assert.ok(!bad.ok);
    assert.match(bad.problems[0]?.field ?? "", /^a\.rego:3:\d+$/);
    assert.deepEqual(await all(1), [[11]]);
    assert.ok((await load(aContent(good, { add: 20 }))).ok);
    assert.deepEqual(await all(1), [[21]]);
  });
});
