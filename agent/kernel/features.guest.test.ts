import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import pino from "pino";
import { layout } from "../gen/layout.ts";
import { bytesOf } from "../layout/struct.ts";
import { KernelEngine } from "./kernel-engine.ts";
import { loadNative, type Native } from "./native.ts";
import { openGuestKernel, statesOf } from "./testing/guest-kernel.ts";
import { aSet, onGetpriority, when } from "./testing/policies.ts";
import { reuseShared } from "./tracking.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());
const objects = fileURLToPath(new URL("../../bpf/build", import.meta.url));
/** Bytes behind a table for the rows of one word that every program has; more than they are. */
const roomForRows = 4_096;
const canOverride = kernel.engine.features().features.includes("fmod_ret_syscalls");

for (const [type, symbol] of [
  ["fentry", "__x64_sys_write"],
  ["fentry", "no_such_function"],
  ["fmod_ret", "__x64_sys_write"],
  ["fmod_ret", "__ia32_sys_write"],
  ["fmod_ret", "security_file_open"],
  ["fmod_ret", "vfs_write"],
] as const) {
  test(`the smallest ${type} program before ${symbol} is taken where the engine's is`, () => {
    const native = loadNative();
    const object = native.openObject(join(objects, `${type}.bpf.o`));
    let isTaken = true;
    try {
      reuseShared(object, kernel.engine.maps);
      object.setGlobal("spec", bytesOf(layout.hook_spec, { words: 1 }));
      object.resizeMap("tables", { valueSize: layout.hook_table.size + roomForRows });
      object.setAttachTarget("hook", symbol);
      object.load();
    } catch {
      isTaken = false;
    } finally {
      object.close();
    }
    assert.equal(native.trampolineRefusal(type, symbol) === null, isTaken);
  });
}

test("an agent that starts while memory is short comes to use what the kernel can", {
  skip: !canOverride && "this kernel has no error injection",
}, async () => {
  const native = loadNative();
  let short = true;
  const trampolineRefusal: Native["trampolineRefusal"] = (type, symbol) =>
    short && type === "fmod_ret" ? "ENOMEM" : native.trampolineRefusal(type, symbol);
  const scarce: Native = Object.assign(Object.create(native), native, { trampolineRefusal });
  const bpffs = mkdtempSync("/sys/fs/bpf/guardbee-scarce-");
  const log = pino({ level: "silent" });
  const engine = new KernelEngine({
    native: scarce,
    bpffs,
    objects,
    protectedBinaries: [],
    podFiles: 4096,
    log,
  });
  assert.ok(!engine.features().features.includes("fmod_ret_syscalls"));
  const set = aSet("p", onGetpriority({ ...when(), actions: [{ action: "Override", error: 1 }] }));
  const scopes = { host: [set.name], podRoots: [], unknownPods: [], cgroups: [] };
  const [refused] = statesOf(await engine.program({ sets: [set], scopes }));
  assert.deepEqual(refused?.state === "failed" && [refused.reason, refused.mayPass], [
    "LoadFailed",
    true,
  ]);
  short = false;
  const [state] = statesOf(await engine.program({ sets: [set], scopes }));
  assert.equal(state?.state, "programmed");
  assert.ok(engine.features().features.includes("fmod_ret_syscalls"));
  await engine.program({
    sets: [],
    scopes: { host: [], podRoots: [], unknownPods: [], cgroups: [] },
  });
  rmSync(bpffs, { recursive: true });
});
