import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { after, beforeEach, test } from "node:test";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { inMode, policyIn } from "./testing/policies.ts";
import { run } from "./testing/scene.ts";

const folder = "/tmp/enforcer";
const [perl, kept] = [`${folder}/perl`, `${folder}/kept`];
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
copyFileSync("/usr/bin/perl", perl);
beforeEach(() => mkdirSync(kept, { recursive: true }));

const kernel = await openGuestKernel();
const { program, events, engine } = kernel;
after(() => kernel.close());
const canOverride = engine.features().features.includes("fmod_ret_syscalls");

const rmdir = 84; // on x86-64

/** The tracepoint of all system calls decides, and the entry of this one stops it. */
const decidedAtEntry = (what: string, name = "kept") =>
  policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: ${name} }
spec:
  enforcers: [{ calls: [sys_rmdir] }]
  tracepoints:
  - subsystem: raw_syscalls
    event: sys_enter
    args: [{ index: 4, type: int64 }]
    selectors:
    - matchBinaries: [{ operator: In, values: [${perl}] }]
      matchArgs: [{ index: 4, operator: Equal, values: ["${rmdir}"] }]
      matchActions: [{ action: NotifyEnforcer, ${what} }]
`);
const tryIt = () => run(perl, "-e", `rmdir "${kept}" or print "$!"; print " alive"`);
const seen = async (scene: () => Promise<void>) =>
  (await events.during(scene)).hooks.map(
    ({ call, action, stopped, monitored }) =>
      `${call} ${action}${stopped ? " stopped" : ""}${monitored ? " monitored" : ""}`,
  );

test("what NotifyEnforcer leaves kills who makes the call, which another hook has decided about", async () => {
  const [state] = await program([decidedAtEntry("argSig: 9")]);
  assert.ok(state?.state === "programmed", JSON.stringify(state));
  assert.ok(state.attachments.includes("tracepoint:raw_syscalls:sys_enter"));
  assert.ok(state.attachments.some((one) => one.endsWith(":__x64_sys_rmdir")));
  const told = await seen(async () => assert.equal((await tryIt()).signal, "SIGKILL"));
  assert.deepEqual(told, ["raw_syscalls/sys_enter NotifyEnforcer stopped"]);
});

test("what NotifyEnforcer leaves keeps the call from running, with the policy's error", {
  skip: !canOverride && "this kernel cannot override a system call",
}, async () => {
  await program([decidedAtEntry("argError: -13")]);
  await seen(async () => assert.equal((await tryIt()).out, "Permission denied alive"));
  assert.ok(existsSync(kept));
});

test("CleanupEnforcerNotification takes back what was left, and not what is left after it", async () => {
  const takenBack = "argSig: 9 }, { action: CleanupEnforcerNotification";
  await program([decidedAtEntry(takenBack)]);
  const told = await seen(async () => assert.equal((await tryIt()).out, " alive"));
  assert.deepEqual(told, ["raw_syscalls/sys_enter CleanupEnforcerNotification stopped"]);
  mkdirSync(kept, { recursive: true });
  await program([decidedAtEntry(`${takenBack} }, { action: NotifyEnforcer, argSig: 9`)]);
  await seen(async () => assert.equal((await tryIt()).signal, "SIGKILL"));
});

test("enforcers do nothing for whom nothing was left, in monitor mode, or by another policy", async () => {
  await program([inMode("monitor", decidedAtEntry("argSig: 9"))]);
  const told = await seen(async () => assert.equal((await tryIt()).out, " alive"));
  assert.deepEqual(told, ["raw_syscalls/sys_enter NotifyEnforcer monitored"]);
  mkdirSync(kept, { recursive: true });
  const other = policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: other }
spec:
  enforcers: [{ calls: [sys_mkdir] }]
  kprobes:
  - call: sys_rmdir
    selectors:
    - matchBinaries: [{ operator: In, values: [${perl}] }]
      matchActions: [{ action: NotifyEnforcer, argSig: 9 }]
`);
  const third = policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: third }
spec:
  enforcers: [{ calls: [sys_chdir] }]
  kprobes:
  - call: sys_getpriority
    selectors: [{ matchActions: [{ action: NotifyEnforcer, argSig: 9 }] }]
`);
  await program([other, third]);
  // What one policy has left another's enforcers do not find.
  const { out, signal } = await run(
    perl,
    "-e",
    `$| = 1; rmdir "${kept}"; print "removed"; chdir "/"; print " moved"; mkdir "${kept}"; print " made"`,
  );
  assert.deepEqual({ out, signal }, { out: "removed moved", signal: "SIGKILL" });
});
