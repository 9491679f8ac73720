import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  globSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { after, beforeEach, test } from "node:test";
import type { Difference } from "../../../agent/engine.ts";
import { loadNative } from "../../../agent/kernel/native.ts";
import { openGuestKernel } from "../../../agent/kernel/testing/guest-kernel.ts";
import {
  aSet,
  denyWrites,
  onGetpriority,
  policyIn,
  when,
} from "../../../agent/kernel/testing/policies.ts";
import { Cgroup, type Ended } from "../../../agent/kernel/testing/scene.ts";

const kernel = await openGuestKernel({ protectedBinaries: ["/usr/bin/kubelet"] });
after(() => kernel.close());
const { engine, bpffs } = kernel;
const native = loadNative();

/** Kills who asks for the priority of a process that does not exist. */
const call = when({ by: "arg", arg: 1, op: "Equal", values: ["4711"] });
const kill = aSet("kill", onGetpriority({ ...call, actions: [{ action: "Sigkill" }] }));
const pod = new Cgroup("/sys/fs/cgroup/guardbee-tampered-pod");
/** A program is attached to the files of the node where its policy holds there. */
const scopes = { host: ["tracingpolicy.probed"], cgroups: [{ id: pod.id, sets: [kill.name] }] };

/** What is attached in other ways: to many functions by one program, by returns, and file_free's. */
const listed = policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: listed }
spec:
  lists: [{ name: l, type: generated_ftrace, pattern: '^security_task_(get|set)scheduler$' }]
  kprobes:
  - call: list:l
`);
const returns = policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: returns }
spec:
  fentries:
  - call: security_task_getsid
    syscall: false
    return: true
    returnArg: { index: 0, type: int }
  - call: security_task_prctl
    syscall: false
    args: [{ index: 0, type: int }]
    selectors:
    - matchArgs: [{ index: 0, operator: InRange, values: ["4711:4713"] }]
`);
const traced = policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: traced }
spec:
  tracepoints:
  - subsystem: task
    event: task_rename
    raw: true
    args: [{ index: 1, type: string }]
    selectors:
    - matchArgs: [{ index: 1, operator: Prefix, values: [kworker] }]
`);
/** In the file of this program, which is attached to it by links of its own. */
const probed = policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: probed }
spec:
  uprobes:
  - path: /tmp/tampered
    symbols: [main]
`);
writeFileSync("/tmp/tampered.c", "int main(void) { return 0; }");
execFileSync("gcc", ["-no-pie", "-o", "/tmp/tampered", "/tmp/tampered.c"]);
const isMulti = engine.features().features.includes("kprobe_multi");
const isProbed = engine.features().features.includes("uprobe");
const sets = [
  ...[kill, denyWrites({}), returns, traced],
  ...(isMulti ? [listed] : []),
  ...(isProbed ? [probed] : []),
];

const attempt = () => pod.sh(`exec perl -e 'getpriority 0, 4711; print "survived"'`);
const killed: Ended = { code: null, signal: "SIGKILL", out: "" };
const survived: Ended = { code: 0, signal: null, out: "survived" };

/** What is in force, and found whole. */
beforeEach(async () => {
  for (const state of await kernel.program(sets, scopes))
    assert.equal(state.state, "programmed", JSON.stringify(state));
  assert.deepEqual(await engine.check(), []);
});

/** As root in a privileged pod does. */
function bpftool(...args: readonly (string | number)[]): string {
  return execFileSync("bpftool", args.map(String), { encoding: "utf8", stdio: "pipe" });
}

/** bpftool's words for bytes. */
const bytes = (value: Uint8Array) => [...value].map(String);
const u32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer);

/** Overwrites an entry by the map's id. */
function overwrite(id: number, key: Uint8Array, value: readonly (string | number)[]): void {
  bpftool("map", "update", "id", id, "key", ...bytes(key), "value", ...value);
}

/** The descriptor of a pinned map of ours. */
function pinned(pattern: string): number {
  const [path] = globSync(`${bpffs}/*/${pattern}`);
  assert.ok(path, pattern);
  return native.openPinnedMap(path);
}

/** What the checks find until one finds nothing, programming again where one says so. */
async function repaired(): Promise<readonly string[]> {
  const found: Difference[] = [];
  for (;;) {
    const differences = await engine.check();
    if (differences.length === 0)
      return found.map(({ kind, what, state }) => `${kind} ${what} ${state}`);
    found.push(...differences);
    assert.ok(found.length < 500, JSON.stringify(found.at(-1)));
    if (differences.some(({ state }) => state === "programmable"))
      await kernel.program(sets, scopes);
  }
}

/** Processes are seen, and what is forbidden is stopped. */
async function assertInForce(without: string): Promise<void> {
  const { events } = await kernel.events.during(async () => {
    assert.deepEqual(await attempt(), killed, without);
  });
  assert.ok(
    events.some(({ kind }) => kind === "exec"),
    without,
  );
}

test("each pin that root removes is missed by nobody, and there again after a check", async () => {
  const pins = globSync(`${bpffs}/**`).filter((path) => statSync(path).isFile());
  assert.ok(pins.length > 100, `${pins.length} pins`);
  const links = pins.filter((pin) => pin.includes("link"));
  // Those of programs and maps a folder at a time: nothing depends on them while they are open.
  const folders = Map.groupBy(
    pins.filter((pin) => !links.includes(pin)),
    (pin) => dirname(pin),
  );
  for (const together of [...links.map((link) => [link]), ...folders.values()]) {
    for (const pin of together) rmSync(pin);
    if (together.length === 1) await assertInForce(together[0]!);
    assert.deepEqual(
      [...(await repaired())].sort(),
      together.map((pin) => `pin ${pin} repaired`).sort(),
    );
    for (const pin of together) assert.ok(existsSync(pin), pin);
  }
});

test("all pins at once, the folders too, are there again", async () => {
  const pins = globSync(`${bpffs}/**`).filter((path) => statSync(path).isFile());
  for (const version of globSync(`${bpffs}/*`)) rmSync(version, { recursive: true });
  assert.deepEqual(await attempt(), killed);
  assert.equal((await repaired()).length, pins.length);
  assert.deepEqual(
    globSync(`${bpffs}/**`)
      .filter((path) => statSync(path).isFile())
      .sort(),
    pins.sort(),
  );
});

test("another object in the place of a pin is none", async () => {
  const [link] = globSync(`${bpffs}/*/hooks/*/link`);
  rmSync(link!);
  native.pinMap(pinned("maps/losses"), link!);
  assert.deepEqual(await repaired(), [`pin ${link} repaired`]);
  native.openPinnedLink(link!).close();
});

test("no link of ours can be detached by its id", () => {
  const links = globSync(`${bpffs}/*/{links/*,hooks/*/link}`).map((path) =>
    native.openPinnedLink(path),
  );
  for (const link of links) {
    assert.throws(() => bpftool("link", "detach", "id", link.id), /not supported/);
    link.close();
  }
});

test("tables that are overwritten are written again", async () => {
  const [tables] = globSync(`${bpffs}/*/hooks/*{x64,arm64}_sys_getpriority*/tables`);
  const fd = native.openPinnedMap(tables!);
  const { id, valueSize } = native.mapInfo(fd);
  for (const slot of [0, 1]) overwrite(id, u32(slot), Array(valueSize).fill("0"));
  assert.deepEqual(await attempt(), survived);
  const name = tables!.split("/").at(-2);
  assert.deepEqual(await repaired(), [`table ${name}/tables programmable`]);
  assert.deepEqual(await attempt(), killed);
});

for (const map of ["rows", "starts", "actions"]) {
  test(`entries of ${map} that are overwritten are written again`, async () => {
    const on = map === "starts" ? "security_task_prctl" : "{x64,arm64}_sys_getpriority";
    const outers = globSync(`${bpffs}/*/hooks/*${on}*/${map}`);
    let count = 0;
    for (const slot of [0, 1]) {
      const value = Buffer.alloc(4);
      if (!native.lookup(native.openPinnedMap(outers[0]!), u32(slot), value)) continue;
      const id = value.readUInt32LE();
      const { valueSize, maxEntries } = mapById(id);
      const others = Array(valueSize).fill(map === "starts" ? "255" : "0");
      for (let i = 0; i < Math.min(maxEntries, 64); i++) overwrite(id, u32(i), others);
      count++;
    }
    assert.ok(count > 0);
    const found = await repaired();
    assert.equal(found.length, 1, JSON.stringify(found));
    assert.match(found[0]!, new RegExp(`^table .*/${map} programmable$`));
    assert.deepEqual(await attempt(), killed);
  });
}

for (const map of ["numbers", "rows", "actions"]) {
  test(`a slot of ${map} from which the map is removed gets one again`, async () => {
    const outers = globSync(`${bpffs}/*/hooks/*/${map}`).filter((path) =>
      [0, 1].some((slot) => native.lookup(native.openPinnedMap(path), u32(slot), Buffer.alloc(4))),
    );
    assert.ok(outers.length > 0);
    const { id } = native.mapInfo(native.openPinnedMap(outers[0]!));
    for (const slot of [0, 1]) bpftool("map", "delete", "id", id, "key", ...bytes(u32(slot)));
    const found = await repaired();
    assert.match(found.join(), new RegExp(`^table .*/${map} programmable$`));
    assert.deepEqual(await attempt(), killed);
  });
}

test("what a policy compares nobody can change", () => {
  const inner = globSync(`${bpffs}/*/hooks/*/{numbers,equals,prefixes}`).flatMap((path) =>
    [0, 1].flatMap((slot) => {
      const value = Buffer.alloc(4);
      return native.lookup(native.openPinnedMap(path), u32(slot), value)
        ? value.readUInt32LE()
        : [];
    }),
  );
  assert.ok(inner.length > 0);
  for (const id of inner) {
    const { keySize, valueSize } = mapById(id);
    assert.throws(
      () => overwrite(id, Buffer.alloc(keySize), Array(valueSize).fill("0")),
      /not permitted/,
    );
  }
});

test("the state of the engine is written again", async () => {
  const fd = pinned("maps/engine_state");
  const value = Buffer.alloc(native.mapInfo(fd).valueSize);
  native.lookup(fd, u32(0), value);
  value.writeUInt32LE(1 - value.readUInt32LE());
  overwrite(native.mapInfo(fd).id, u32(0), bytes(value));
  assert.deepEqual(await attempt(), killed); // the other slot has the same
  assert.deepEqual(await repaired(), ["state engine_state repaired"]);
  assert.deepEqual(await attempt(), killed);
});

test("the limit of events is written again, and so is where stops are counted", async () => {
  const rate = pinned("maps/rate_state");
  overwrite(native.mapInfo(rate).id, u32(0), Array(native.mapInfo(rate).valueSize).fill("1"));
  assert.deepEqual(await repaired(), ["state rate_state repaired"]);
  const stops = pinned("maps/stops");
  const keys = Buffer.from(native.keys(stops));
  for (let at = 0; at < keys.length; at += 4) {
    bpftool(
      "map",
      "delete",
      "id",
      native.mapInfo(stops).id,
      "key",
      ...bytes(keys.subarray(at, at + 4)),
    );
  }
  assert.deepEqual(await repaired(), ["state stops repaired"]);
  assert.deepEqual(await attempt(), killed);
  assert.equal(engine.stops(new Set([kill.name])).get(kill.name)?.stopped, 1);
});

test("a cgroup that is given another class gets its own again, and so does one that is given none", async () => {
  const fd = pinned("maps/cgroup_class");
  const { id } = native.mapInfo(fd);
  const key = Buffer.from(BigUint64Array.of(pod.id).buffer);
  await kernel.program(sets, scopes);
  overwrite(id, key, bytes(u32(0)));
  assert.deepEqual(await attempt(), survived);
  assert.deepEqual(await repaired(), ["scope cgroup_class repaired"]);
  bpftool("map", "delete", "id", id, "key", ...bytes(key));
  assert.deepEqual(await attempt(), survived);
  // It may have been removed: it is not missed at once.
  assert.deepEqual(await engine.check(), []);
  assert.deepEqual(await repaired(), ["scope cgroup_class repaired"]);
  assert.deepEqual(await attempt(), killed);
});

test("a pod that is gone is nobody's doing, however late the agent hears of it", async () => {
  const gone = pod.child("gone");
  const cgroups = [...scopes.cgroups, { id: gone.id, sets: [kill.name] }];
  await kernel.program(sets, { ...scopes, cgroups });
  rmdirSync(gone.path);
  for (const _ of [1, 2, 3]) assert.deepEqual(await engine.check(), []);
});

test("nobody becomes a service of the node by an entry in their list", async () => {
  const fd = pinned("maps/protected_binaries");
  const key = Buffer.alloc(native.mapInfo(fd).keySize);
  key.write("/bin/sh");
  overwrite(native.mapInfo(fd).id, key, bytes(u32(1)));
  assert.deepEqual(await repaired(), ["protected protected_binaries repaired"]);
  assert.deepEqual(await attempt(), killed);
});

test("the kernel's tracing is switched on again", async (t) => {
  const path = "/proc/sys/kernel/ftrace_enabled";
  t.after(() => writeFileSync(path, "1"));
  try {
    writeFileSync(path, "0");
  } catch {
    return; // this kernel does not let it be switched off below programs
  }
  const during = await attempt();
  assert.deepEqual(await repaired(), [`switch ${path} repaired`]);
  assert.equal(readFileSync(path, "utf8"), "1\n");
  assert.deepEqual(await attempt(), killed, JSON.stringify(during));
});

function mapById(id: number): { keySize: number; valueSize: number; maxEntries: number } {
  const map = JSON.parse(bpftool("-j", "map", "show", "id", id));
  return { keySize: map.bytes_key, valueSize: map.bytes_value, maxEntries: map.max_entries };
}
