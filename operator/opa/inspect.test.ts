import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, describe, test } from "node:test";
import { formatProblem } from "@guardbee/policy";
import pino from "pino";
import { compileRego } from "./compile.ts";
import { findOpa } from "./find-opa.ts";
import { EvaluationError } from "./host.ts";
import { ModuleChecks, moduleProblems } from "./inspect.ts";
import { Sandbox, type SandboxUnit } from "./sandbox.ts";
import { i32Const, section } from "./testing/encode-wasm.ts";
import { endless, opaLike } from "./testing/opa-like.ts";

const signal = new AbortController().signal;

/** Counts what it is asked, and crashes where it is told to. */
class CountingSandbox extends Sandbox {
  inspections = 0;
  crashes = false;

  override inspect(unit: SandboxUnit, subject: string, within: AbortSignal) {
    this.inspections++;
    const of = { entryPoint: "policy.wasm", input: undefined, subject };
    if (this.crashes) return Promise.reject(new EvaluationError(of, "crashed", "ended with 9"));
    return super.inspect(unit, subject, within);
  }
}

describe("ModuleChecks", () => {
  const sandbox = new CountingSandbox({ log: pino({ level: "silent" }) });
  after(() => sandbox.close());
  const checks = new ModuleChecks(sandbox);

  async function problems(module: Uint8Array<ArrayBuffer>, ...entryPoints: string[]) {
    const found = await checks.problems(module, entryPoints, signal);
    return found.map((one) => formatProblem(one));
  }

  test("a module of opa build has its entry points, and is run once for that", async () => {
    const compiled = await compileRego(
      [{ path: "a.rego", text: "package edge\n\nout := sprintf(input.a, input.b)" }],
      { entryPoints: ["edge/out"], opa: await findOpa(), signal },
    );
    assert.ok(compiled.ok);
    const before = sandbox.inspections;
    assert.deepEqual(await problems(compiled.module, "edge/out"), []);
    assert.deepEqual(await problems(compiled.module.slice(), "edge/in"), [
      "policy.wasm: has no entry point edge/in, but edge/out; build it with -e edge/in",
    ]);
    assert.equal(sandbox.inspections, before + 1);
  });

  test("a module of another shape is refused without being run", async () => {
    const before = sandbox.inspections;
    const module = opaLike({ memory: section(5, [1, 0, 1]) });
    const refusal = [
      "policy.wasm: has a memory of its own, and is to use the host's; compile it with opa build -t wasm of OPA 1.x, or ship the Rego alone",
    ];
    assert.deepEqual(await problems(module, "x/y"), refusal);
    assert.equal(sandbox.inspections, before);
  });

  test("what V8 takes for no module is refused", async () => {
    const [problem] = await problems(opaLike({ evaluating: [0xff] }), "x/y");
    assert.match(
      problem ?? "",
      /^policy\.wasm: WebAssembly\.Module\(\).*; build it with opa build -t wasm$/,
    );
  });

  test("a module that never starts is refused, and not tried a second time", async () => {
    const before = sandbox.inspections;
    const module = opaLike({ starting: endless });
    const refusal = [
      "policy.wasm: took to load over 2000 ms; make it do less; build it with opa build -t wasm",
    ];
    assert.deepEqual(await problems(module, "x/y"), refusal);
    assert.deepEqual(await problems(module.slice(), "x/y"), refusal);
    assert.equal(sandbox.inspections, before + 1);
  });

  test("a module that calls itself names without end is refused, and they are not kept", async () => {
    const at = 65_536;
    const byte = (i: number, value: number) => [...i32Const(i), ...i32Const(value), 0x3a, 0, 0];
    const around = [...'{"'].flatMap((char, i) => byte(at + i, char.charCodeAt(0)));
    const ending = [...'":1}'].flatMap((char, i) => byte(at + 70_000 + i, char.charCodeAt(0)));
    const filled = [...i32Const(at), ...i32Const(0x61), ...i32Const(70_000), 0xfc, 0x0b, 0];
    const module = opaLike({ loading: [...filled, ...around, ...ending, ...i32Const(at), 0x0f] });
    assert.deepEqual(await problems(module, "x/y"), [
      "policy.wasm: names entry points and builtins in more than 65536 characters; build it with fewer entry points",
    ]);
  });

  test("a module that ends its process is tried three times, in case another was to blame", async () => {
    const before = sandbox.inspections;
    sandbox.crashes = true;
    const module = opaLike({ evaluating: [0x01] });
    for (let i = 0; i < 2; i++)
      await assert.rejects(problems(module, "x/y"), { reason: "crashed" });
    for (let i = 0; i < 2; i++) {
      const refusal = ["policy.wasm: ended with 9; build it with opa build -t wasm"];
      assert.deepEqual(await problems(module, "x/y"), refusal);
    }
    sandbox.crashes = false;
    assert.equal(sandbox.inspections, before + 3);
  });

  test("the built-in modules can be used", async () => {
    const module = await readFile(new URL("../../rego/build/guardrails.wasm", import.meta.url));
    assert.deepEqual(await problems(new Uint8Array(module), "guardbee/guardrails/decisions"), []);
  });
});

test("moduleProblems names what is missing", () => {
  const facts = {
    abi: { version: 1, minor: 2 },
    entryPoints: ["edge/out"],
    builtins: ["http.send", "sprintf", "zz.new"],
  };
  assert.deepEqual(
    moduleProblems(facts, ["edge/in"]).map((one) => formatProblem(one)),
    [
      "policy.wasm: has no entry point edge/in, but edge/out; build it with -e edge/in",
      "policy.wasm: calls http.send, which is not supplied; the result would depend on the network; put facts into data",
      "policy.wasm: calls zz.new, which is not supplied; Guardbee's Wasm host does not have it",
    ],
  );
});
