import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  failure,
  inner,
  lookup,
  native,
  open,
  prepare,
  read,
  skip,
  u32,
  u64,
  workspace,
} from "./native/testdata/fixture.ts";
import type { BpfObject } from "./native.ts";

// Its maps and rings are tested in native/maps.test.ts and native/ring.test.ts.

const folder = workspace();
const events = join(folder, "events.bpf.o");
const noKprobes =
  !existsSync("/sys/bus/event_source/devices/kprobe/type") && "this kernel has no kprobes";

test("an object that is not there, or is none, says so", { skip }, () => {
  const none = failure(() => native.openObject(join(folder, "none.o")));
  assert.equal(none.message, `${join(folder, "none.o")}: open: No such file or directory`);
  const text = failure(() => native.openObject("/etc/hostname"));
  assert.deepEqual(
    [text.code, text.message],
    ["ELIBBPF", "/etc/hostname: open: BPF object format invalid"],
  );
});

test("unknown names and wrong sizes in an object are refused", { skip }, () => {
  const object = native.openObject(events);
  const calls: readonly [() => void, string][] = [
    [() => object.setGlobal("nope", u32(1)), "nope: set global: No such file or directory"],
    [
      () => object.setGlobal("parent", u64(1n)),
      "parent: set global: Invalid argument; has 4 bytes, the value 8",
    ],
    [
      () => object.resizeMap("nope", { maxEntries: 1 }),
      `nope: resize map: No such file or directory; no such map in ${events}`,
    ],
    [
      () => object.attach("nope"),
      `nope: attach: No such file or directory; no such program in ${events}`,
    ],
    [() => object.mapFd("lost"), "lost: map fd: Bad file descriptor; the object is not loaded"],
    [
      () => object.attach("on_exec"),
      "on_exec: attach: Bad file descriptor; the program is not loaded",
    ],
  ];
  for (const [call, message] of calls) assert.equal(failure(call).message, message);
  const any = native.openObject(join(folder, "target.bpf.o"));
  const target = failure(() => any.setAttachTarget("on_any", "no_such_tracepoint"));
  any.close();
  assert.deepEqual([target.code, target.subject], ["ESRCH", "on_any"]);
  object.close();
  object.close();
  assert.equal(
    failure(() => object.load()).message,
    `${events}: load: Bad file descriptor; the object is closed`,
  );
});

test("a program that the verifier refuses leaves its log", { skip }, () => {
  const object = native.openObject(join(folder, "refused.bpf.o"));
  const error = failure(() => object.load());
  assert.equal(error.message, `${join(folder, "refused.bpf.o")}: load: Permission denied`);
  assert.equal(error.code, "EACCES");
  assert.match(error.log ?? "", /R0 invalid mem access 'map_value_or_null'/);
  object.close();
});

test("a map has the sizes that it was given before the object was loaded", { skip }, () => {
  const object = prepareTarget();
  object.resizeMap("values", { maxEntries: 33, keySize: 16, valueSize: 40 });
  object.load();
  const fd = object.mapFd("values");
  const { id: _, ...info } = native.mapInfo(fd);
  assert.deepEqual(info, { name: "values", keySize: 16, valueSize: 40, maxEntries: 33 });
  native.closeFd(fd);
  object.close();
});

test("globals of every section and shared data work across objects", { skip }, () => {
  const first = open(events, { label: 5n });
  const second = prepare(events, { label: 100n });
  for (const name of [".data.state", "lost"]) {
    const fd = first.mapFd(name);
    second.reuseMap(name, fd);
    native.closeFd(fd);
  }
  second.load();
  const links = [first.attach("on_exec"), second.attach("on_exec")];
  spawnSync("/bin/true");
  assert.deepEqual(read(first, ".data.state", u32(0)), u64(105n));
  assert.deepEqual(read(second, ".data.state", u32(0)), u64(105n));
  assert.equal(mapId(second, "lost"), mapId(first, "lost"));
  assert.notEqual(mapId(second, ".bss"), mapId(first, ".bss"));
  for (const link of links) link.detach();
  const late = failure(() => first.setGlobal("label", u64(1n)));
  assert.equal(late.message, "label: set global: Device or resource busy; the object is loaded");
  first.close();
  second.close();
});

test("a program attached by a target writes task storage that a pidfd reads", {
  skip,
}, async () => {
  const object = prepareTarget();
  object.load();
  const tables = object.mapFd("tables");
  const table = native.createMap(inner);
  native.update(tables, u32(0), u32(table));
  const link = object.attach("on_any");
  const child = execFile("/bin/cat");
  const pidfd = native.pidfdOpen(child.pid!);
  child.stdin!.write("ready");
  await new Promise((resolve) => child.stdout!.once("data", resolve)); // so it has executed
  assert.deepEqual(read(object, "tasks", u32(pidfd)), u64(42n));
  child.stdin!.end();
  link.detach();
  for (const fd of [tables, table, pidfd]) native.closeFd(fd);
  object.close();
});

test("a pinned link stays attached when closed, opens again, and detaches", { skip }, () => {
  const path = join(folder, "bpffs/link");
  const object = open(events);
  const bss = object.mapFd(".bss");
  const executions = () => {
    spawnSync("/bin/true");
    return lookup(bss, u32(0)).readBigUInt64LE();
  };
  const link = object.attach("on_exec");
  assert.equal(failure(() => link.pin(join(folder, "elsewhere"))).code, "EPERM");
  link.pin(path);
  assert.equal(
    failure(() => link.pin(`${path}2`)).message,
    `${path}2: pin link: Device or resource busy; is already at ${path}`,
  );
  link.close();
  link.close();
  for (let i = 0; i < 2; i++) object.pinProgram("on_exec", `${path}-program`);
  object.close();
  assert.equal(executions(), 1n);

  const adopted = native.openPinnedLink(path);
  assert.equal(adopted.id, link.id);
  assert.deepEqual(adopted.misses(`${path}-program`), { program: 0, link: 0 });
  assert.equal(failure(() => adopted.misses(path)).code, "EINVAL");
  assert.equal(failure(() => adopted.misses(`${path}-none`)).code, "ENOENT");
  assert.equal(failure(() => native.openPinnedMap(path)).code, "EINVAL");
  assert.equal(executions(), 2n);
  adopted.detach();
  adopted.detach();
  assert.equal(existsSync(path), false);
  const counts = Array.from({ length: 50 }, executions); // the pin's hold ends by RCU
  assert.equal(counts[49], counts[48]);
  native.closeFd(bss);
});

test("a link that is not pinned detaches when closed", { skip }, () => {
  const object = open(events);
  object.attach("on_exec").close();
  spawnSync("/bin/true");
  assert.deepEqual(read(object, ".bss", u32(0)), u64(0n));
  object.close();
});

for (const ret of [false, true]) {
  const name = ret ? "kretprobe" : "kprobe";
  test(`a pinned ${name} goes on counting after its link and object are closed`, {
    skip: skip || noKprobes,
  }, () => {
    const path = join(folder, "bpffs", name);
    const object = native.openObject(join(folder, "kprobe.bpf.o"));
    object.setGlobal("parent", u32(process.pid));
    object.load();
    const bss = object.mapFd(".bss");
    const counts = () => {
      const before = lookup(bss, u32(0)).readBigUInt64LE();
      native.closeFd(native.pidfdOpen(process.pid));
      return lookup(bss, u32(0)).readBigUInt64LE() > before;
    };
    assert.equal(failure(() => object.attach("on_call")).code, "EOPNOTSUPP");
    const missing = failure(() => object.attachKprobe("on_call", "no_such_function", { ret }));
    assert.equal(
      missing.message,
      "on_call: attach kprobe: No such file or directory; no_such_function",
    );
    const link = object.attachKprobe("on_call", "__x64_sys_pidfd_open", { ret });
    assert.equal(counts(), true);
    link.pin(path);
    link.close();
    object.pinProgram("on_call", `${path}-program`);
    object.close();
    assert.equal(counts(), true);
    const adopted = native.openPinnedLink(path);
    assert.equal(adopted.id, link.id);
    assert.deepEqual(adopted.misses(`${path}-program`), { program: 0, link: 0 });
    adopted.detach();
    assert.equal(Array.from({ length: 50 }, counts).at(-1), false);
    native.closeFd(bss);
  });
}

test("the kernel's functions are known by their parameters", { skip }, () => {
  assert.deepEqual(native.btfFunction("security_file_permission"), {
    parameters: ["struct file *", "int"],
    returns: "int",
  });
  assert.equal(native.btfFunction("no_such_function"), null);
});

test("what was opened leaves no descriptor behind", { skip }, async () => {
  const descriptors = () =>
    readdirSync("/proc/self/fd")
      .map(kindOf)
      .filter((target) => target.startsWith("anon_inode:"))
      .sort();
  const before = descriptors();
  for (let i = 0; i < 3; i++) {
    const object = open(events);
    const link = object.attach("on_exec");
    const fd = object.mapFd("events");
    await native.openRings(fd).close();
    native.closeFd(fd);
    link.close();
    object.close();
    assert.throws(() => native.openObject("/etc/hostname"), { code: "ELIBBPF" });
  }
  assert.deepEqual(descriptors(), before);
});

function mapId(object: BpfObject, name: string): number {
  const fd = object.mapFd(name);
  const { id } = native.mapInfo(fd);
  native.closeFd(fd);
  return id;
}

/** What /proc tells of a descriptor; "" when it was readdir's own. */
function kindOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "";
  }
}

/** target.bpf.c, watching the children of this process execute. */
function prepareTarget(): BpfObject {
  const object = native.openObject(join(folder, "target.bpf.o"));
  object.setGlobal("parent", u32(process.pid));
  object.setAttachTarget("on_any", "sched_process_exec");
  const shape = native.createMap(inner);
  object.resizeMap("tables", { innerMapFd: shape });
  native.closeFd(shape);
  return object;
}
