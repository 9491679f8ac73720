import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import pino from "pino";
import { KernelEngine } from "./kernel-engine.ts";
import { type BpfObject, loadNative, type Native } from "./native.ts";
import { openGuestKernel, statesOf } from "./testing/guest-kernel.ts";
import { aSet, onGetpriority, when } from "./testing/policies.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());
const canOverride = kernel.engine.features().features.includes("fmod_ret_syscalls");

test("an agent that starts while memory is short comes to use what the kernel can", {
  skip: !canOverride && "this kernel has no error injection",
}, async () => {
  const native = loadNative();
  let short = true;
  const openObject = (path: string): BpfObject => {
    const object = native.openObject(path);
    if (!short || !path.endsWith("fmod_ret.bpf.o")) return object;
    const load = () => {
      throw Object.assign(new Error("load: ENOMEM"), { code: "ENOMEM" });
    };
    return new Proxy(object, {
      get: (target, name) => {
        if (name === "load") return load;
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
  const scarce: Native = Object.assign(Object.create(native), native, { openObject });
  const bpffs = mkdtempSync("/sys/fs/bpf/guardbee-scarce-");
  const objects = fileURLToPath(new URL("../../bpf/build", import.meta.url));
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
