import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { systemClock } from "@guardbee/kube";
import pino from "pino";
import { needOpa } from "../bundle/testing/opa.ts";
import { compileRego } from "../opa/compile.ts";
import { type Evaluation, EvaluationError } from "../opa/host.ts";
import { ModuleChecks } from "../opa/inspect.ts";
import { type Evaluated, Sandbox, type SandboxUnit } from "../opa/sandbox.ts";
import { opaLike } from "../opa/testing/opa-like.ts";
import { loadUnit, type RegoContent, type RegoUnit, type UnitOptions } from "./unit.ts";

const limits = { deadlineMs: 2_000, memoryMiB: 256 };
const signal = new AbortController().signal;
const opa = needOpa();
const entryPoint = "guardbee/generate/policies";

function aContent(text: string, data: unknown = {}): RegoContent {
  const key = JSON.stringify([text, data]);
  return { digest: "sha256:x", key, data, sources: [{ path: "a.rego", text }] };
}

describe("RegoUnit", () => {
  const good = "package guardbee.generate\n\npolicies := [input.n + data.add]";

  test("evaluates what changed, and says where Rego does not compile", async (t) => {
    let evaluations = 0;
    const onEvaluated = () => evaluations++;
    const sandbox = new Sandbox({ log: pino({ level: "silent" }), onEvaluated });
    t.after(() => sandbox.close());
    const options: UnitOptions = {
      owner: undefined,
      subject: "RegoPolicy gen",
      compile: (sources, options, within) =>
        compileRego(sources, { entryPoints: [options.entryPoint], opa, signal: within }),
      sandbox,
      checks: new ModuleChecks(sandbox),
      clock: systemClock,
    };
    const load = (content: RegoContent) =>
      loadUnit(content, { entryPoint, limits }, options, signal);
    const all = (unit: RegoUnit, ...numbers: number[]) =>
      unit.evaluateAll(
        numbers.map((n) => ({ n })),
        signal,
      );
    const first = await load(aContent(good, { add: 10 }));
    assert.ok(first.ok);
    assert.deepEqual(await all(first.value, 1, 2, 3), [[11], [12], [13]]);
    assert.equal(evaluations, 3);
    assert.deepEqual(await all(first.value, 1, 4, 3), [[11], [14], [13]]);
    assert.equal(evaluations, 4, "one change costs one evaluation");
    const bad = await load(aContent("package guardbee.generate\n\npolicies := x"));
    assert.ok(!bad.ok);
    assert.match(bad.problems[0]?.field ?? "", /^a\.rego:3:\d+$/);
    const second = await load(aContent(good, { add: 20 }));
    assert.ok(second.ok);
    assert.deepEqual(await all(second.value, 1), [[21]]);
    assert.deepEqual(await all(first.value, 1), [[11]]);
  });
});

/** Says of each evaluation that it took too long, or so many milliseconds. */
class SlowSandbox extends Sandbox {
  evaluations = 0;
  tookMs: number | undefined;
  fails = false;

  override evaluate(_unit: SandboxUnit, of: Evaluation): Promise<Evaluated> {
    this.evaluations++;
    if (this.tookMs !== undefined) return Promise.resolve({ value: 1, tookMs: this.tookMs });
    if (this.fails) return Promise.reject(new EvaluationError(of, "failed", "is undefined"));
    return Promise.reject(new EvaluationError(of, "deadline", "took over 200 ms; make it do less"));
  }
}

describe("a RegoUnit that overruns", () => {
  async function aUnit(more: Partial<UnitOptions> = {}) {
    const sandbox = new SlowSandbox({ log: pino({ level: "silent" }) });
    const module = opaLike();
    const options: UnitOptions = {
      ...{ owner: "shop", subject: "RegoPolicyNamespaced shop/slow", sandbox },
      compile: async () => ({ ok: true, module, opaVersion: "1" }),
      ...{ checks: new ModuleChecks(sandbox), clock: systemClock, ...more },
    };
    const loaded = await loadUnit(aContent("a"), { entryPoint, limits }, options, signal);
    assert.ok(loaded.ok);
    return { sandbox, options, unit: loaded.value };
  }

  test("is not tried any more after three times, for whose policy it was, until it changes", async () => {
    let breaks = 0;
    const { sandbox, options, unit } = await aUnit({ onBreak: () => breaks++ });
    const reasons = async (owner: string, count: number, of = unit) => {
      const found: string[] = [];
      for (let i = 0; i < count; i++) {
        await of.evaluate({ i }, owner, signal).catch(({ reason }) => found.push(reason));
      }
      return found;
    };
    const three = ["deadline", "deadline", "deadline"];
    assert.deepEqual(await reasons("shop", 5), [...three, "broken", "broken"]);
    assert.equal(sandbox.evaluations, 3);
    assert.equal(breaks, 1);
    assert.equal(
      unit.brokenFor("any"),
      "is broken: it overran 3 times, and is tried again ever more seldom: took over 200 ms; make it do less",
    );
    assert.equal(unit.brokenFor(undefined), undefined);
    assert.deepEqual(await reasons("bank", 1), ["deadline"]);
    const other = aContent("a", { other: "data" });
    const changed = await loadUnit(other, { entryPoint, limits }, options, signal);
    assert.ok(changed.ok);
    assert.deepEqual(await reasons("shop", 1, changed.value), ["deadline"]);
  });

  test("says the same when it is tried again and overruns again", async () => {
    let nowMs = 0;
    const { sandbox, unit } = await aUnit({ clock: { ...systemClock, monotonic: () => nowMs } });
    const said: unknown[] = [];
    for (let i = 0; i < 6; i++) {
      if (i === 4) nowMs += 60_000;
      await unit.evaluate({ i }, "shop", signal).catch(({ message }) => said.push(message));
    }
    assert.equal(sandbox.evaluations, 4);
    assert.match(String(said[3]), /: is broken: it overran 3 times, /);
    assert.deepEqual(said.slice(3), [said[3], said[3], said[3]]);
  });

  test("is whole again when it ends in time, with a value or an error of its own", async () => {
    let nowMs = 0;
    let changes = 0;
    const clock = { ...systemClock, monotonic: () => nowMs };
    const { sandbox, unit } = await aUnit({ clock, onBreak: () => changes++ });
    for (let i = 0; i < 3; i++) await assert.rejects(unit.evaluate({ i }, "shop", signal));
    nowMs += 60_000;
    sandbox.fails = true;
    for (let i = 0; i < 2; i++) {
      await assert.rejects(unit.evaluate({ i }, "shop", signal), { reason: "failed" });
    }
    assert.equal(unit.brokenFor("any"), undefined);
    assert.equal(changes, 2);
  });

  test("in reviews breaks nothing for what is stored, and takes none of its processes", async () => {
    const reviewSandbox = new SlowSandbox({ log: pino({ level: "silent" }) });
    const { sandbox, unit } = await aUnit({
      reviewSandbox,
      onBreak: () => assert.fail("is not broken"),
    });
    for (let i = 0; i < 5; i++) await assert.rejects(unit.review({ i }, "shop", signal));
    assert.deepEqual([reviewSandbox.evaluations, sandbox.evaluations], [3, 0]);
    sandbox.tookMs = 1;
    assert.equal(await unit.evaluate({}, "shop", signal), 1);
    assert.equal(unit.brokenFor("any"), undefined);
  });

  test("has a budget for all inputs of a generator together", async () => {
    const { sandbox, unit } = await aUnit({ budgetMs: 1_000 });
    sandbox.tookMs = 100;
    const inputs = Array.from({ length: 50 }, (_, i) => ({ i }));
    assert.equal((await unit.evaluateAll(inputs.slice(0, 10), signal)).length, 10);
    await assert.rejects(unit.evaluateAll(inputs, signal), {
      reason: "deadline",
      message: /: its evaluations together took over 1000 ms; make it do less$/,
    });
    assert.equal(sandbox.evaluations, 21); // those of the first are known
  });
});
