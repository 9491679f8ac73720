import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, test } from "node:test";
import type { Action } from "@guardbee/policy";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { inMode, policyIn, upstreamCase } from "./testing/policies.ts";
import { run, sh } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { engine, events } = kernel;
after(() => kernel.close());
const canOverride = engine.features().features.includes("fmod_ret_syscalls");

/** A policy on each open of a file below /tmp/returned/. */
function onOpen({ hook = "", selector = "" } = {}) {
  return policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: opened }
spec:
  kprobes:
  - call: sys_openat
    return: true
    returnArg: { index: 0, type: int }
    args: [{ index: 1, type: string }, { index: 2, type: int }]
    ${hook}
    selectors:
    - matchArgs: [{ index: 1, operator: Prefix, values: [/tmp/returned/] }]
      ${selector}
`);
}

/** What events say of the calls: text, then what they returned. */
async function reported(script: string) {
  const { hooks } = await events.during(() =>
    run("node", "-e", `fs.mkdirSync("/tmp/returned", { recursive: true }); ${script}`),
  );
  return hooks.map(({ args, returned, action, stopped }) => {
    const text = args[0]?.type === "string" ? args[0].text.slice("/tmp/returned/".length) : "?";
    const value = returned !== undefined && "value" in returned ? returned.value : "nothing";
    return `${text} ${action}${stopped ? " stopped" : ""} = ${value}`;
  });
}

const openThem =
  'const open = (name) => { try { return fs.openSync("/tmp/returned/" + name, "r") } catch {} };';

test("one event has what a call was given and what it returned", async () => {
  const [state] = await kernel.program([onOpen()]);
  const attachments = state?.state === "programmed" ? state.attachments : [];
  const at = (kind: string) =>
    attachments.flatMap((name) => (name.startsWith(kind) ? [name.slice(kind.length)] : []));
  assert.ok(at("fentry:").includes("__x64_sys_openat"), JSON.stringify(state));
  assert.deepEqual(at("fentry:"), at("fexit:"));
  const script = `fs.writeFileSync("/tmp/returned/there", ""); ${openThem} open("there"); open("not")`;
  const seen = await reported(script);
  assert.equal(seen.length, 3);
  assert.match(seen[1]!, /^there Post = [1-9][0-9]*$/);
  assert.equal(seen[2], "not Post = -2");
});

test("matchReturnArgs leaves those that returned otherwise unreported", async () => {
  await kernel.program([
    onOpen({ selector: 'matchReturnArgs: [{ index: 0, operator: Equal, values: ["-2", "-13"] }]' }),
  ]);
  const script = `fs.writeFileSync("/tmp/returned/there", ""); ${openThem} open("there"); open("not")`;
  assert.deepEqual(await reported(script), ["not Post = -2"]);
});

test("what an event says is what was there at the entry, also when the path is another by then", async () => {
  await kernel.program([onOpen()]);
  const long = "x".repeat(3000);
  const seen = await reported(`${openThem} open("${long}"); open("a")`);
  assert.deepEqual(seen, [`${long} Post = -36`, "a Post = -2"]);
});

test("an action acts before the call runs, and the event says what came of it", async (t) => {
  if (!canOverride) return t.skip("this kernel cannot override system calls");
  await kernel.program([
    onOpen({ selector: "matchActions: [{ action: Override, argError: -1 }]" }),
  ]);
  assert.deepEqual(await reported(`${openThem} open("a")`), ["a Override stopped = -1"]);
});

test("the event of a process that is killed goes out", async () => {
  await kernel.program([onOpen({ selector: "matchActions: [{ action: Sigkill }]" })]);
  const { hooks } = await events.during(() =>
    sh("mkdir -p /tmp/returned; cat /tmp/returned/none || true"),
  );
  assert.deepEqual(
    hooks.map(({ stopped, returned }) => [stopped, returned !== undefined]),
    [[true, true]],
  );
});

test("a rate limit counts what is reported, not what matchReturnArgs leaves out", async () => {
  await kernel.program([
    onOpen({
      selector: `matchReturnArgs: [{ index: 0, operator: Equal, values: ["-2"] }]
      matchActions: [{ action: Post, rateLimit: 1h }]`,
    }),
  ]);
  const script = `${openThem} fs.rmSync("/tmp/returned/a", { force: true });
    fs.mkdirSync("/tmp/returned/a"); open("a"); fs.rmdirSync("/tmp/returned/a"); open("a"); open("a")`;
  assert.deepEqual(await reported(script), ["a Post = -2"]);
});

test("each of several policies has its own event, and calls within calls do not mix", async () => {
  const [one, other] = [onOpen(), onOpen({ hook: "message: other" })];
  await kernel.program([one, { ...other, name: "tracingpolicy.other" }]);
  const seen = await reported(`${openThem} open("a"); open("b")`);
  assert.deepEqual(seen, ["a Post = -2", "a Post = -2", "b Post = -2", "b Post = -2"]);
});

test("who gets what matchReturnArgs says is killed when the call returns, and nobody else", async () => {
  await kernel.program([
    onOpen({
      selector: `matchReturnArgs: [{ index: 0, operator: Equal, values: ["-2"] }]
      matchActions: [{ action: NoPost }]
      matchReturnActions: [{ action: Sigkill }]`,
    }),
  ]);
  await sh("mkdir -p /tmp/returned; echo text > /tmp/returned/there");
  const { hooks } = await events.during(async () => {
    assert.equal((await sh("cat /tmp/returned/there")).code, 0);
    assert.equal((await sh("cat /tmp/returned/none; exit 3")).code, 3);
    assert.equal((await sh("exec cat /tmp/returned/none")).code, null);
  });
  assert.deepEqual(hooks, []);
  const counts = engine.stops(new Set(["tracingpolicy.opened"])).get("tracingpolicy.opened");
  assert.equal(counts?.stopped, 2);
});

test("in monitor mode who would be killed at the return is reported so, and lives", async () => {
  const set = onOpen({ selector: "matchReturnActions: [{ action: Signal, argSig: 9 }]" });
  await kernel.program([inMode("monitor", set)]);
  const { hooks } = await events.during(() => sh("cat /tmp/returned/there"));
  assert.deepEqual(
    hooks.map(({ stopped, wouldStop, returned }) => [stopped, wouldStop, returned !== undefined]),
    [[false, true, true]],
  );
});

test("a call in flight that its policy may have to stop is stopped when that is edited, and not when another is", async () => {
  const slow = (message: string) =>
    policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: slow }
spec:
  kprobes:
  - call: sys_clock_nanosleep
    message: ${message}
    return: true
    returnArg: { index: 0, type: int }
    selectors:
    - matchBinaries: [{ operator: In, values: [/usr/bin/sleep] }]
      matchReturnArgs: [{ index: 0, operator: GT, values: ["0"] }]
      matchReturnActions: [{ action: Sigkill }]
`);
  /** What ends a process whose call returns after an edit: a stop makes it return, to be begun anew. */
  const sleepWhile = async (edit: () => Promise<unknown>) => {
    const child = spawn("sleep", ["1000"], { stdio: "ignore" });
    const end = new Promise((done) => child.once("exit", (_, signal) => done(signal)));
    while (kernel.waiting() === 0) await new Promise((done) => setTimeout(done, 20));
    await edit();
    child.kill("SIGSTOP");
    child.kill("SIGCONT");
    while (kernel.waiting() > 0) await new Promise((done) => setTimeout(done, 20));
    child.kill("SIGTERM");
    return end;
  };
  await kernel.program([slow("one")]);
  assert.equal(await sleepWhile(() => kernel.program([slow("one"), onOpen()])), "SIGTERM");
  const late = engine.losses().return_late;
  const { hooks } = await events.during(async () => {
    assert.equal(await sleepWhile(() => kernel.program([slow("two"), onOpen()])), "SIGKILL");
  });
  assert.equal(engine.losses().return_late, late + 1n);
  assert.deepEqual(
    hooks.flatMap(({ policy, stopped }) => (policy.endsWith("opened") ? [] : [stopped])),
    [true],
  );
});

test("a call in flight at both ends of an edit goes out, and one that outlives its policy leaves nothing", async () => {
  const slow = (action?: Action["action"]) =>
    policyIn(
      `
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: slow }
spec:
  kprobes:
  - call: sys_nanosleep
    return: true
    returnArg: { index: 0, type: int }
    selectors:
    - matchBinaries: [{ operator: Postfix, values: [sleep] }]
      ${action === undefined ? "" : `matchActions: [{ action: ${action} }]`}
`
        .replace("operator: Postfix, values: [sleep]", "operator: In, values: [/usr/bin/sleep]")
        .replace("sys_nanosleep", "sys_clock_nanosleep"),
    );
  await kernel.program([slow()]);
  const { hooks } = await events.during(async () => {
    const slept = sh("sleep 2");
    await new Promise((done) => setTimeout(done, 1000));
    await kernel.program([slow("Post")]);
    await slept;
  });
  assert.deepEqual(
    hooks.map(({ action }) => action),
    ["Post"],
  );
  await kernel.program([slow()]);
  const slept = sh("sleep 2");
  await new Promise((done) => setTimeout(done, 1000));
  await kernel.program([]);
  await slept;
  assert.equal(kernel.waiting(), 0);
});

test("upstream's monitor of modules reports what the kernel asks about, with the answer", async (t) => {
  const [state] = await kernel.program([upstreamCase("modules")]);
  if (state?.state === "failed" && state.reason === "HookNotFound") {
    return t.skip(state.message); // a kernel without modules
  }
  assert.equal(state?.state, "programmed", JSON.stringify(state));
  // A file system that nobody knows: the kernel asks for its module.
  const { hooks } = await events.during(() => sh("mount -t guardbee none /mnt || true"));
  assert.deepEqual(
    hooks.map(({ call, args, returned }) => [
      call,
      args[0]?.type === "string" && args[0].text,
      returned !== undefined && "value" in returned && returned.value,
    ]),
    [["security_kernel_module_request", "fs-guardbee", 0]],
  );
});
