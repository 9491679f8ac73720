import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import pino from "pino";
import { shapeProblems } from "./module-shape.ts";
import { Sandbox, type SandboxOptions, type SandboxUnit } from "./sandbox.ts";
import {
  callsBuiltins,
  endless,
  type OpaLike,
  opaLike,
  returnsBrackets,
  takesAllMemory,
} from "./testing/opa-like.ts";

const signal = new AbortController().signal;
const of = { entryPoint: "x/y", input: {}, subject: "RegoPolicy x" };

function aSandbox(t: TestContext, options: Partial<SandboxOptions> = {}): Sandbox {
  const sandbox = new Sandbox({ log: pino({ level: "silent" }), ...options });
  t.after(() => sandbox.close());
  return sandbox;
}

function aUnit(parts: OpaLike = {}, limits: Partial<SandboxUnit> = {}): SandboxUnit {
  const module = opaLike(parts);
  assert.deepEqual(shapeProblems(module), [], "the module would not come that far");
  return { module, deadlineMs: 300, memoryMiB: 32, ...limits };
}

/** How this process' children are doing: those that the sandbox started. */
function childrenOf(pid: number): readonly number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8")
      .split(" ")
      .filter(Boolean)
      .map(Number),
  );
}

test("a module of OPA's shape is loaded once and evaluated", async (t) => {
  const sandbox = aSandbox(t);
  const unit = aUnit({}, { data: { a: 1 } });
  assert.deepEqual((await sandbox.evaluate(unit, of, undefined, signal)).value, {});
  assert.deepEqual((await sandbox.evaluate(unit, of, "tenant", signal)).value, {});
  assert.deepEqual(await sandbox.inspect(unit, "RegoPolicy x", signal), {
    abi: { version: 1, minor: 3 },
    entryPoints: ["x/y"],
    builtins: [],
  });
  assert.equal(sandbox.processCount, 1);
});

/** Processor time of all children, from their start on: of those that run, and that have ended. */
function childrenCpuMs(): number {
  const ticksIn = (pid: number, first: number): number => {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(fields[first]) + Number(fields[first + 1]);
  };
  const running = childrenOf(process.pid).map((pid) => ticksIn(pid, 11));
  return [ticksIn(process.pid, 13), ...running].reduce((sum, ticks) => sum + ticks) * 10;
}

const loop = { evaluating: endless };
const overruns: readonly {
  readonly name: string;
  readonly unit: SandboxUnit;
  readonly reason: string | RegExp;
  /** Whether that is when it is loaded, which has 2 s. */
  readonly loading?: true;
  readonly message: RegExp;
}[] = [
  {
    name: "loops in its evaluation",
    unit: aUnit(loop),
    reason: "deadline",
    message: /^RegoPolicy x: rego x\/y: took over 300 ms; make it do less$/,
  },
  {
    name: "loops in its start function",
    loading: true,
    unit: aUnit({ starting: endless }),
    reason: "deadline",
    message: /took to load over 2000 ms; make it do less$/,
  },
  {
    name: "loops when it is asked for its builtins",
    loading: true,
    unit: aUnit({ loading: endless }),
    reason: "deadline",
    message: /took to load over 2000 ms; make it do less$/,
  },
  {
    name: "takes all memory that it may have, and loops",
    unit: aUnit({ evaluating: [...takesAllMemory, ...endless] }, { memoryMiB: 64 }),
    reason: "deadline",
    message: /took over 300 ms; make it do less$/,
  },
  {
    name: "calls itself without end",
    loading: true,
    unit: aUnit({ loading: callsBuiltins }),
    reason: "failed",
    message: /Maximum call stack size exceeded$/,
  },
  {
    name: "names its builtins in a list in a list, and so on",
    loading: true,
    unit: aUnit({ loading: returnsBrackets }, { memoryMiB: 256 }),
    reason: "failed",
    message: /names its builtins or entry points in 19\d{7} bytes, more than 1048576$/,
  },
];

describe("a module of OPA's shape", () => {
  for (const { name, unit, reason, message, loading } of overruns) {
    test(`that ${name} is ended within its deadline and a second, and nothing stays`, async (t) => {
      const sandbox = aSandbox(t, { memoryMiB: 1024 });
      await sandbox.evaluate(aUnit(), of, undefined, signal); // the process has started
      const beforeMs = childrenCpuMs();
      await assert.rejects(sandbox.evaluate(unit, of, undefined, signal), { reason, message });
      assert.deepEqual((await sandbox.evaluate(aUnit(), of, undefined, signal)).value, {});
      assert.equal(sandbox.processCount, 1);
      while (childrenOf(process.pid).length > 1) await setImmediate();
      const tookMs = childrenCpuMs() - beforeMs;
      t.diagnostic(`took ${tookMs} ms`);
      assert.ok(tookMs < (loading ? 2_000 : unit.deadlineMs) + 1_000, `took ${tookMs} ms`);
      assert.ok(sandbox.memoryBytes < 100 * 2 ** 20, `${sandbox.memoryBytes} bytes`);
    });
  }
});
