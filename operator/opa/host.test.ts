import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, test } from "node:test";
import { type Clock, systemClock } from "@guardbee/kube";
import pino from "pino";
import { compileRego } from "./compile.ts";
import { findOpa } from "./find-opa.ts";
import { EvaluationError, WasmHost, type WasmHostOptions } from "./host.ts";
import { evalEach, evalWithOpa } from "./testing/parity.ts";
import { aParityHost, resultOf } from "./testing/parity-host.ts";

const wasm = new URL("../../rego/build/guardrails.wasm", import.meta.url);
if (!existsSync(wasm)) throw new Error("rego/build/guardrails.wasm is not built: make -C rego");
const signal = new AbortController().signal;
const log = pino({ level: "silent" });

describe("WasmHost", () => {
  let hosts: WasmHost[];
  let stop: AbortController;
  beforeEach(() => {
    hosts = [];
    stop = new AbortController();
  });
  afterEach(() => Promise.all(hosts.map((host) => host.close())));

  async function aHost(options: Partial<WasmHostOptions> = {}): Promise<WasmHost> {
    const host = new WasmHost({ module: new Uint8Array(await readFile(wasm)), log, ...options });
    hosts.push(host);
    return host;
  }

  const evaluation = {
    entryPoint: "guardbee/guardrails/decisions",
    input: {
      policy: { kind: "TracingPolicy", metadata: { name: "a", labels: {} }, spec: {} },
      facts: {
        ...{ ownNamespace: "own", namespaces: {}, disabled: [], mode: "monitor" },
        ...{ scope: { host: true, pods: {} }, enforces: false, narrowing: "none" },
      },
    },
    subject: "TracingPolicy a",
  };
  const accepted = {
    "builtin/cluster-wide": { deny: [] },
    "builtin/host-protection": { deny: [], warn: [] },
    "builtin/namespace-rights": { deny: [] },
    "builtin/system-namespaces": { deny: [], warn: [] },
    "builtin/translation": { deny: [] },
  };

  test("gives the value of the entry point", async () => {
    assert.deepEqual(await (await aHost()).evaluate(evaluation, stop.signal), accepted);
  });

  test("evaluations asked for at once each get their own answer", async () => {
    const host = await aHost();
    const inputs = ["a", "b", "c"].map((name) => ({
      policy: { kind: "TracingPolicyNamespaced", metadata: { name, namespace: name }, spec: {} },
      facts: { ...evaluation.input.facts, ownNamespace: name, enforces: true },
    }));
    const decisions = await Promise.all(
      inputs.map((input) => host.evaluate({ ...evaluation, input }, stop.signal)),
    );
    const problem = (name: string) => ({
      field: "metadata.namespace",
      what: `is ${name}, where Guardbee itself runs, and the policy enforces`,
      fix: "use another namespace, or monitor mode",
    });
    assert.deepEqual(
      decisions,
      ["a", "b", "c"].map((name) => ({ "builtin/translation": { deny: [problem(name)] } })),
    );
  });

  test("an unknown entry point is an error that names policy and entry point", async () => {
    const wrong = { ...evaluation, entryPoint: "guardbee/none" };
    await assert.rejects((await aHost()).evaluate(wrong, stop.signal), {
      name: "EvaluationError",
      reason: "failed",
      message:
        "TracingPolicy a: rego guardbee/none: the module has no such entry point; it has guardbee/guardrails/decisions",
    });
  });

  test("memory that is too small for the input is an error, and the next evaluation works", async () => {
    const host = await aHost({ initialPages: 16, maximumPages: 32 });
    const values = Array.from({ length: 200_000 }, (_, i) => `/very/long/path/${i}`);
    const huge = { ...evaluation.input, policy: { ...evaluation.input.policy, spec: { values } } };
    await assert.rejects(
      host.evaluate({ ...evaluation, input: huge }, stop.signal),
      EvaluationError,
    );
    assert.deepEqual(await host.evaluate(evaluation, stop.signal), accepted);
  });

  test("an evaluation over its deadline is ended, and the next one gets a new worker", async () => {
    // By its own processor time: a busy machine may let five times as much of the clock's pass.
    const clock: Clock = {
      ...systemClock,
      sleep: (ms, signal) => systemClock.sleep(ms === 250 ? 600_000 : ms, signal),
    };
    const host = await aHost({ module: await slowModule(), deadlineMs: 50, clock });
    await assert.rejects(host.evaluate(slow(100_000), stop.signal), {
      reason: "deadline",
      message: "a: rego slow/out: took over 50 ms; make it do less",
    });
    assert.equal(await host.evaluate(slow(2), stop.signal), 0);
  });

  test("a deadline counts the worker's processor time, the clock's only when it is five times that", async () => {
    const flies = (pastMs: number): Clock => ({
      ...systemClock,
      sleep: (ms, signal) => systemClock.sleep(ms === pastMs ? 0 : ms, signal),
    });
    const late = await aHost({ clock: flies(2_000) });
    assert.deepEqual(await late.evaluate(evaluation, stop.signal), accepted);
    const starved = await aHost({ module: await slowModule(), clock: flies(10_000) });
    await assert.rejects(starved.evaluate(slow(100_000), stop.signal), {
      reason: "deadline",
      message: /took over 10000 ms, not all of it its own; give the operator more CPU$/,
    });
  });

  test("a policy of 10,000 values is decided well within the deadline", async () => {
    const values = Array.from({ length: 10_000 }, (_, i) => `/some/quite/long/path/number-${i}`);
    const selector = { matchArgs: [{ index: 0, operator: "Equal", values }] };
    const spec = { kprobes: [{ call: "fd_install", selectors: [selector] }] };
    const input = { ...evaluation.input, policy: { ...evaluation.input.policy, spec } };
    const patient: Clock = {
      ...systemClock,
      sleep: (ms, signal) => systemClock.sleep(ms === 5_000 ? 600_000 : ms, signal),
    };
    // Half of what it has, of its own processor time alone.
    const host = await aHost({ deadlineMs: 1_000, clock: patient });
    assert.deepEqual(await host.evaluate({ ...evaluation, input }, stop.signal), accepted);
  });

  test("a module that is none is an error that names the policy", async () => {
    const host = await aHost({ module: new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) });
    await assert.rejects(host.evaluate(evaluation, stop.signal), {
      reason: "crashed",
      message:
        "TracingPolicy a: rego guardbee/guardrails/decisions: is no module of opa build: it has no ABI version",
    });
  });
});

/** Its evaluation looks at the square of `upTo` pairs: millions take seconds on any machine. */
const slow = (upTo: number) => ({ entryPoint: "slow/out", input: { upTo }, subject: "a" });

async function slowModule(): Promise<Uint8Array<ArrayBuffer>> {
  const numbers = "numbers.range(1, input.upTo)";
  const text = `package slow

out := count({x | some x in ${numbers}; some y in ${numbers}; x * y == 0})`;
  const options = { entryPoints: ["slow/out"], opa: await findOpa(), signal };
  const compiled = await compileRego([{ path: "slow.rego", text }], options);
  assert.ok(compiled.ok);
  return compiled.module;
}

describe("WasmHost with data", () => {
  test("evaluates with the data that it was given, in every evaluation", async () => {
    const compiled = await compileRego(
      [{ path: "a.rego", text: "package a\n\nout := {data.seen, input}" }],
      { entryPoints: ["a/out"], opa: await findOpa(), signal },
    );
    assert.ok(compiled.ok);
    const host = new WasmHost({ module: compiled.module, data: { seen: "é1" }, log });
    const ask = (input: unknown) =>
      host.evaluate({ entryPoint: "a/out", input, subject: "RegoPolicy a" }, signal);
    try {
      assert.deepEqual(await Promise.all([ask(1), ask(false), ask(""), ask(null)]), [
        [1, "é1"],
        [false, "é1"],
        ["", "é1"],
        [null, "é1"],
      ]);
    } finally {
      await host.close();
    }
  });

  test("no input is undefined, and every other value is itself", async () => {
    const text = `package a

given := input

with_path := x if x := given with input.a as 1

with_paths := x if x := given with input.a.b as 1

with_all := x if x := given with input as {"c": 3}

out.given := given

out.with_path := with_path

out.with_paths := with_paths

out.with_all := with_all`;
    const modules = [{ path: "a.rego", text }];
    const opa = await findOpa();
    const inputs = [
      null,
      "s",
      true,
      1,
      [],
      [1, "a"],
      {},
      { a: 3, z: 4 },
      { a: { c: 1 } },
      { a: "x" },
    ];
    const expected = (await evalEach(opa, modules, ["a/out"], inputs))["a/out"]!;
    const absent = await evalWithOpa(opa, modules, "data.a.out");
    const host = await aParityHost(opa, modules, ["a/out"]);
    try {
      for (const [i, input] of inputs.entries()) {
        assert.deepEqual(await resultOf(host, "a/out", input), expected[i], JSON.stringify(input));
      }
      assert.deepEqual(await resultOf(host, "a/out", undefined), absent);
      assert.deepEqual(absent, {
        ...{ with_path: { a: 1 }, with_paths: { a: { b: 1 } }, with_all: { c: 3 } },
      });
    } finally {
      await host.close();
    }
  });

  test("a number that JavaScript would change is refused by name", async () => {
    const text = 'package a\n\nout := [{"n": json.unmarshal(input)}]';
    const host = await aParityHost(await findOpa(), [{ path: "a.rego", text }], ["a/out"]);
    const refused = (number: string) =>
      `parity: rego a/out: gives the number ${number} in [0].n, which loses digits; give it as text, by format_int or sprintf, or round it`;
    try {
      for (const number of ["18446744073709551615", "9007199254740993", "1e400", "-1e-400"]) {
        assert.equal(await resultOf(host, "a/out", number), refused(number));
      }
      for (const number of ["9007199254740992", "4294967296", "0.1", "1e22", "-0.5", "1.0"]) {
        assert.deepEqual(await resultOf(host, "a/out", number), [{ n: Number(number) }]);
      }
    } finally {
      await host.close();
    }
  });

  test("a result over its limit is an error", async () => {
    const compiled = await compileRego(
      [{ path: "a.rego", text: "package a\n\nout := numbers.range(0, input)" }],
      { entryPoints: ["a/out"], opa: await findOpa(), signal },
    );
    assert.ok(compiled.ok);
    const host = new WasmHost({ module: compiled.module, log, maximumResultBytes: 100 });
    const ask = (input: number) =>
      host.evaluate({ entryPoint: "a/out", input, subject: "RegoPolicy a" }, signal);
    try {
      await assert.rejects(ask(100), {
        reason: "failed",
        message:
          "RegoPolicy a: rego a/out: gives 409 bytes of result, more than 100; make it give less",
      });
      assert.deepEqual(await ask(2), [0, 1, 2]);
    } finally {
      await host.close();
    }
  });
});
