import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { basename, dirname } from "node:path";
import { after, beforeEach, test } from "node:test";
import type { Action, Hook } from "@guardbee/policy";
import { layout } from "../gen/layout.ts";
import { read } from "../layout/struct.ts";
import { loadNative } from "./native.ts";
import { u32 } from "./pinned-ids.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, onGetpriority, when } from "./testing/policies.ts";
import { Cgroup, type Ended } from "./testing/scene.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());
const { engine, bpffs } = kernel;
const native = loadNative();
const pod = new Cgroup("/sys/fs/cgroup/guardbee-edited-pod");

const kill: readonly Action[] = [{ action: "Sigkill" }];
const asked = (value: string) => when({ by: "arg", arg: 1, op: "Equal", values: [value] });
/** Kills who asks for the priority of a process. */
const forbidding = (value: string) =>
  aSet("edited", onGetpriority({ ...asked(value), actions: kill }));
const onUmask: Hook = {
  on: { kind: "kprobe", call: "sys_umask", syscall: true },
  args: [{ index: 0, type: "int" }],
  selectors: [{ conditions: [{ by: "arg", arg: 0, op: "Equal", values: ["63"] }], actions: kill }],
};
const other = aSet("other", onUmask);
const scopesWith = (...sets: readonly string[]) => ({
  ...{ host: [], podRoots: [], unknownPods: [] },
  cgroups: [{ id: pod.id, sets }],
});
const both = scopesWith("tracingpolicy.edited", "tracingpolicy.other");

const ask = (value: string) => pod.sh(`exec perl -e 'getpriority 0, ${value}; print "survived"'`);
const setMask = () => pod.sh(`exec perl -e 'umask 63; print "survived"'`);
const killed: Ended = { code: null, signal: "SIGKILL", out: "" };
const survived: Ended = { code: 0, signal: null, out: "survived" };

/** The ids of the maps in both slots of each table, by the attach point's folder. */
function inSlots(): ReadonlyMap<string, readonly string[]> {
  const tables = ["rows", "actions", "numbers"];
  const pins = globSync(`${bpffs}/*/hooks/*/{${tables}}`).sort();
  const slots = pins.map((pin) => {
    const fd = native.openPinnedMap(pin);
    const value = Buffer.alloc(4);
    const ids = [0, 1].map((slot) =>
      native.lookup(fd, u32(slot), value) ? value.readUInt32LE() : undefined,
    );
    native.closeFd(fd);
    return { hook: basename(dirname(pin)), text: `${basename(pin)} ${ids.join(" ")}` };
  });
  const byHook = Map.groupBy(slots, ({ hook }) => hook);
  return new Map([...byHook].map(([hook, its]) => [hook, its.map(({ text }) => text)]));
}

beforeEach(async () => {
  for (const state of await kernel.program([forbidding("4711"), other], both))
    assert.equal(state.state, "programmed", JSON.stringify(state));
});

test("an edit writes the tables of its own attach point, and both slots have the same", async () => {
  const before = inSlots();
  await kernel.program([forbidding("4712"), other], both);
  const now = inSlots();
  assert.deepEqual([...now.keys()], [...before.keys()]);
  assert.ok(now.size >= 2, `${now.size} attach points`); // with the entries of other ABIs
  for (const [hook, slots] of now) {
    for (const one of slots) assert.match(one, /^\w+ (\d+) \1$/);
    const isSame = before.get(hook)!.join() === slots.join();
    assert.equal(isSame, hook.includes("umask"), hook);
  }
  assert.deepEqual([await ask("4711"), await ask("4712")], [survived, killed]);
  assert.deepEqual(await setMask(), killed);
});

test("what has left is not in force, and comes back with what it had", async () => {
  await kernel.program([other], scopesWith("tracingpolicy.other"));
  assert.deepEqual([await ask("4711"), await setMask()], [survived, killed]);
  await kernel.program([forbidding("4711")], scopesWith("tracingpolicy.edited"));
  assert.deepEqual([await ask("4711"), await setMask()], [killed, survived]);
  for (const hook of inSlots().keys()) assert.match(hook, /getpriority/);
});

test("scopes that changed between two edits hold after the second", async () => {
  await engine.assign(scopesWith("tracingpolicy.other"));
  assert.deepEqual([await ask("4711"), await setMask()], [survived, killed]);
  await kernel.program([forbidding("4713"), other], scopesWith("tracingpolicy.edited"));
  assert.deepEqual([await ask("4713"), await setMask()], [killed, survived]);
  await engine.assign(both);
  assert.deepEqual([await ask("4713"), await setMask()], [killed, killed]);
  await kernel.program([forbidding("4713")], both);
  assert.deepEqual([await ask("4713"), await setMask()], [killed, survived]);
});

test("what is taken out of a slot that is not in force is found before that one is", async () => {
  const state = native.openPinnedMap(globSync(`${bpffs}/*/maps/engine_state`)[0]!);
  const value = new Uint8Array(layout.engine_state.size);
  native.lookup(state, u32(0), value);
  const spare = 1 - (read(value, layout.engine_state).active & 1);
  const rows = globSync(`${bpffs}/*/hooks/*umask*/rows`)[0]!;
  const fd = native.openPinnedMap(rows);
  native.remove(fd, u32(spare));
  for (const one of [state, fd]) native.closeFd(one);
  const [found, ...more] = await engine.check();
  assert.deepEqual(more, []);
  assert.equal(found?.state, "programmable");
  assert.deepEqual(found.sets, ["tracingpolicy.other"]);
  await kernel.program([forbidding("4714"), other], both);
  assert.deepEqual([await ask("4714"), await setMask()], [killed, killed]);
  assert.deepEqual(await engine.check(), []);
});
