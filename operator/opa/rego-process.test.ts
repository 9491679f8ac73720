import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { ChildAnswer } from "./messages.ts";
import { shapeProblems } from "./module-shape.ts";
import { RegoProcess } from "./rego-process.ts";
import {
  arraysOfArrays,
  endless,
  type OpaLike,
  opaLike,
  takesAllMemory,
} from "./testing/opa-like.ts";

const mib = 2 ** 20;
const limits = { dataMiB: 960, cpuSeconds: 60 };

async function aProcess(t: TestContext, more = {}): Promise<RegoProcess> {
  const process = new RegoProcess({ ...limits, ...more });
  t.after(() => process.kill());
  await process.started;
  return process;
}

/** What the kernel says of the process in `file` of /proc. */
const proc = ({ pid }: RegoProcess, file: string) => readFileSync(`/proc/${pid}/${file}`, "utf8");

async function evaluated(process: RegoProcess, parts: OpaLike): Promise<ChildAnswer> {
  const memory = { initialPages: 16, maximumPages: 65_536, maximumResultBytes: 1000 };
  const load = { kind: "load", unit: 1, module: opaLike(parts), limits: memory } as const;
  assert.equal((await process.ask(load)).kind, "loaded");
  const json = new TextEncoder().encode("{}");
  return process.ask({ kind: "evaluate", unit: 1, entryPoint: "x/y", json });
}

test("has nothing of this process but the channel, and goes first when memory is short", async (t) => {
  const process = await aProcess(t);
  const names = proc(process, "environ")
    .split("\0")
    .map((one) => one.split("=", 1)[0]!);
  const ofShell = ["", "PWD", "OLDPWD", "SHLVL", "_"];
  assert.deepEqual(names.filter((one) => !ofShell.includes(one)).sort(), [
    "MALLOC_ARENA_MAX",
    "NODE_CHANNEL_FD",
    "NODE_CHANNEL_SERIALIZATION_MODE",
  ]);
  assert.equal(readlinkSync(`/proc/${process.pid}/cwd`), "/");
  assert.equal(proc(process, "oom_score_adj").trim(), "1000");
  const open = readdirSync(`/proc/${process.pid}/fd`).map((fd) =>
    readlinkSync(`/proc/${process.pid}/fd/${fd}`).replace(/:\[\d+\]$/, ""),
  );
  const kinds = [...new Set(open)].sort();
  assert.deepEqual(
    kinds.filter((one) => !one.startsWith("anon_inode:")),
    ["/dev/null", "pipe", "socket"],
  );
  assert.equal(open.filter((one) => one === "socket").length, 1);
});

for (const [kind, parts] of Object.entries({
  linear: { loading: takesAllMemory },
  managed: arraysOfArrays,
})) {
  test(`the kernel gives it no more ${kind} memory than its limit, and then it ends`, async (t) => {
    const process = await aProcess(t);
    let mostBytes = 0;
    const ending = assert.rejects(evaluated(process, parts), /ended with SIG(ABRT|TRAP|SEGV)/);
    while (!process.ended) {
      await setImmediate();
      mostBytes = Math.max(mostBytes, process.usage()?.memoryBytes ?? 0);
    }
    await ending;
    assert.ok(mostBytes > 100 * mib && mostBytes < 450 * mib, `${mostBytes / mib} MiB`);
  });
}

test("WasmGC is not of OPA's shape in the first place", () => {
  const [problem] = shapeProblems(opaLike(arraysOfArrays));
  assert.equal(problem?.what, "has a type that is no function type");
});

test("the kernel ends it when it has used up its processor time, with nobody there to do so", async (t) => {
  const process = await aProcess(t, { cpuSeconds: 2 });
  await assert.rejects(evaluated(process, { evaluating: endless }), /ended with SIG(XCPU|KILL)/);
});

test("is gone when it was killed in the middle of an evaluation", async (t) => {
  const process = await aProcess(t);
  const asked = evaluated(process, { evaluating: endless });
  const used = process.usage();
  assert.ok(used !== undefined && used.memoryBytes > 10 * mib && used.memoryBytes < 200 * mib);
  while ((process.usage()?.cpuMs ?? 0) < used.cpuMs + 100) await setImmediate();
  process.kill();
  await assert.rejects(asked, /was ended/);
  assert.equal(process.usage(), undefined);
  await process.exited;
  assert.throws(() => proc(process, "stat"), { code: "ENOENT" });
});

test("a process that cannot be started says so", async () => {
  const process = new RegoProcess(limits, "/nowhere/sh");
  await assert.rejects(process.started, /ENOENT/);
  assert.ok(process.ended);
});
