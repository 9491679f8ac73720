import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { ManualClock } from "@guardbee/kube";
import pino from "pino";

import type { Engine, NamedSet } from "../engine.ts";
import { FakeEngine } from "./fake-engine.ts";
import { Standalone } from "./standalone.ts";
import { tick } from "./test-node.ts";

const policy = (name: string, spec = "") => `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: ${name} }
spec: { ${spec}kprobes: [{ call: fd_install, syscall: false, args: [{ index: 0, type: int }] }] }
`;

function aFolder(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "standalone-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

/** This kernel has no function `missing`. */
function lacks({ set }: NamedSet): boolean {
  return set.hooks.some(({ on }) => on.kind === "kprobe" && on.call === "missing");
}

/** A running agent on the policies at `paths`, and what it gives to its engine. */
async function start(t: TestContext, ...paths: readonly string[]) {
  const clock = new ManualClock();
  const stop = new AbortController();
  const engine = new FakeEngine(lacks);
  const { programmed } = engine;
  const log = pino({ level: "silent" });
  const standalone = await Standalone.open({ paths, engine, clock, log });
  assert.ok(standalone);
  const run = standalone.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await run;
  });
  const until = async (count: number) => {
    for (let step = 0; step < 2_000 && programmed.length < count; step += 1) await tick(clock);
    assert.equal(programmed.length, count);
  };
  return { engine, programmed, until };
}

test("policies in files hold for every process of the machine", async (t) => {
  const path = aFolder(t, {
    "a.yaml": policy("a"),
    "bad.yaml": "kind: [",
    "pods.yaml": policy("pods", "podSelector: {}, "),
  });
  const { engine, programmed, until } = await start(t, path);
  await until(1);
  assert.deepEqual(programmed[0]?.scopes, {
    host: ["tracingpolicy.a"],
    podRoots: [],
    unknownPods: [],
    cgroups: [],
  });
  assert.deepEqual(
    engine.states.map(({ name, state }) => [name, state]),
    [["tracingpolicy.a", "programmed"]],
  );
});

test("a policy for the processes of all containers holds for every process, by its conditions", async (t) => {
  const example = new URL("../../config/examples/exec-policy-example.yaml", import.meta.url);
  const path = aFolder(t, { "exec.yaml": readFileSync(example, "utf8") });
  const { programmed, until } = await start(t, path);
  await until(1);
  const name = "execpolicy.exec-policy-example";
  assert.deepEqual(programmed[0]?.scopes, {
    host: [name],
    podRoots: [],
    unknownPods: [],
    cgroups: [],
  });
  assert.deepEqual(programmed[0]?.sets[0]?.set.hooks[0]?.selectors[0]?.conditions[0], {
    ...{ by: "pid", op: "NotIn", values: [0], inNamespace: true, followForks: false },
  });
});

test("a changed, broken, new and removed file is followed", async (t) => {
  const path = aFolder(t, { "a.yaml": policy("a") });
  const { programmed, until } = await start(t, path);
  const held = () => programmed.at(-1)?.sets.map(({ name }) => name);
  await until(1);
  writeFileSync(join(path, "a.yaml"), "kind: [");
  writeFileSync(join(path, "b.yaml"), policy("b"));
  await until(2);
  assert.deepEqual(held(), ["tracingpolicy.a", "tracingpolicy.b"]);
  rmSync(join(path, "b.yaml"));
  writeFileSync(join(path, "a.yaml"), policy("c"));
  await until(3);
  assert.deepEqual(held(), ["tracingpolicy.c"]);
});

test("an edit that the kernel refuses leaves the version before, until the file is gone", async (t) => {
  const path = aFolder(t, { "a.yaml": policy("a") });
  const { engine, programmed, until } = await start(t, path);
  await until(1);
  const before = programmed[0]?.sets[0]?.hash;
  const refused = policy("a").replace("fd_install", "missing");
  writeFileSync(join(path, "a.yaml"), refused);
  writeFileSync(join(path, "b.yaml"), policy("b"));
  await until(2);
  assert.equal(programmed[1]?.sets[0]?.hash, before);
  assert.deepEqual(
    programmed[1]?.sets.map(({ name }) => name),
    ["tracingpolicy.a", "tracingpolicy.b"],
  );
  rmSync(join(path, "a.yaml"));
  await until(3);
  assert.deepEqual(
    programmed[2]?.sets.map(({ name }) => name),
    ["tracingpolicy.b"],
  );
  writeFileSync(join(path, "a.yaml"), refused);
  await until(4);
  assert.deepEqual(
    engine.states.map(({ state }) => state),
    ["failed", "programmed"],
  );
});

test("several paths are one list, and no path is an empty one", async (t) => {
  const path = aFolder(t, { "a.yaml": policy("a"), "b.yaml": policy("b"), "c.yaml": policy("c") });
  const { programmed, until } = await start(t, join(path, "b.yaml"), join(path, "a.yaml"));
  await until(1);
  assert.deepEqual(
    programmed[0]?.sets.map(({ name }) => name),
    ["tracingpolicy.a", "tracingpolicy.b"],
  );
  const nothing = await start(t);
  await nothing.until(1);
  assert.deepEqual(nothing.programmed[0]?.sets, []);
});

test("a path that is gone keeps its policies; one that never was is refused", async (t) => {
  const path = aFolder(t, { "a.yaml": policy("a") });
  const { programmed, until } = await start(t, join(path, "a.yaml"));
  await until(1);
  rmSync(join(path, "a.yaml"));
  await until(1);
  assert.deepEqual(
    programmed.map(({ sets }) => sets.length),
    [1],
  );
  const log = pino({ level: "silent" });
  const paths = [path, join(path, "none")];
  const none = { paths, engine: {} as Engine, clock: new ManualClock(), log };
  assert.equal(await Standalone.open(none), undefined);
});
