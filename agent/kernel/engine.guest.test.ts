import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import type { Condition, Hook } from "@guardbee/policy";
import type { HookArg } from "../args/index.ts";
import { execText } from "../records/decode.ts";
import type { KernelRecord } from "../records/kernel-record.ts";
import type { SeenHook } from "./testing/event-log.ts";
import { type BpfIds, bpfIds, namesOf, openGuestKernel } from "./testing/guest-kernel.ts";
import {
  aSet,
  denyWrites,
  example,
  inMode,
  named,
  onGetpriority,
  when,
} from "./testing/policies.ts";
import { Cgroup, type Ended, run, sh } from "./testing/scene.ts";
import { testProgram } from "./testing/test-program.ts";

const kernel = await openGuestKernel();
const { engine, events } = kernel;
after(() => kernel.close());

const deny = denyWrites({});
const overriding = denyWrites({ name: "deny-tmp-forbidden-write-override", variant: "-override" });
const { features } = engine.features();
const injectsErrors = features.includes("fmod_ret_syscalls");
const canOverride = injectsErrors && features.includes("fmod_ret_ia32");
const killed = { code: null, signal: "SIGKILL", out: "" };
const ended = (out = "", code = 0): Ended => ({ code, signal: null, out });

/** An empty folder /tmp/`name` with a file `read` that says "secret". */
async function aFolder(name: string): Promise<string> {
  const folder = `/tmp/${name}`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  // By a process of pid 1 of its own namespace, which the seed's policy lets write.
  await run("unshare", "-pf", "/bin/sh", "-c", `printf secret >${folder}/read`);
  return folder;
}

test("a write to a file that the policy forbids kills the writer, and nothing is written", async () => {
  await kernel.program([deny]);
  const folder = await aFolder("forbidden");
  assert.deepEqual(await sh(`echo hi >${folder}/x; echo survived`), killed);
  assert.equal(readFileSync(`${folder}/x`, "utf8"), "");
  const copied = await sh(`cp /etc/passwd ${folder}/y; echo $?`);
  assert.deepEqual(copied, ended("137\n"));
});

test("reading a forbidden file and writing others goes on", async () => {
  await kernel.program([deny]);
  const folder = await aFolder("forbidden");
  const script = `cat ${folder}/read; echo hi >/tmp/forbiddenx; cat /tmp/forbiddenx`;
  assert.deepEqual(await sh(script), ended("secrethi\n"));
});

test("pid 1 of a container and what it started are left alone, what entered it is not", async () => {
  await kernel.program([deny]);
  const folder = await aFolder("forbidden");
  const write = `echo hi >${folder}/x; (echo ho >${folder}/y; (echo hu >${folder}/z)); echo $?`;
  assert.deepEqual(await run("unshare", "-pf", "/bin/sh", "-c", write), ended("0\n"));
  // As kubectl exec does: the parent of what enters lives in the host's namespace.
  const enter = `nsenter -t $child -p /bin/sh -c '(echo hi >${folder}/x); echo $?'`;
  const container = `unshare -pf sleep 600 & unshared=$!`;
  const found = `until child=$(cat /proc/$unshared/task/$unshared/children) && [ -n "$child" ]; do :; done`;
  assert.deepEqual(await sh(`${container}; ${found}; ${enter}; kill -9 $child`), ended("137\n"));
});

test("a call's events come in order, with the bytes that were read", async () => {
  await kernel.program([deny]);
  const folder = await aFolder("forbidden");
  const { hooks } = await events.during(() => sh(`cat ${folder}/read; echo hi >${folder}/x`));
  assert.deepEqual(hooks.map(told), [
    `fd_install FollowFD 3 ${folder}/read`,
    `__x64_sys_read Post ${folder}/read "secret"/6 131072`,
    `__x64_sys_read Post ${folder}/read ""/0 131072`,
    "__x64_sys_close UnfollowFD 3",
    `fd_install FollowFD 3 ${folder}/x`,
    "__x64_sys_close UnfollowFD 3",
    `__x64_sys_write Sigkill ${folder}/x "hi\\n"/3 3`,
  ]);
});

test("a duplicated and an inherited descriptor are followed, and closing one ends nothing", async () => {
  await kernel.program([deny]);
  const folder = await aFolder("forbidden");
  const open = `exec 3>>${folder}/x`;
  const scripts = [
    `${open}; exec 4>&3; exec 3>&-; echo hi >&4; echo survived`,
    `${open}; (exec 3>&-); echo hi >&3; echo survived`,
  ];
  for (const script of scripts) assert.deepEqual(await sh(script), killed);
  assert.deepEqual(await sh(`${open}; (echo hi >&3); echo $?`), ended("137\n"));
});

test("a descriptor whose number another file got is not followed", async () => {
  await kernel.program([deny]);
  const folder = await aFolder("forbidden");
  const script = `exec 3>>${folder}/x; exec 3>&-; exec 3>/tmp/other; echo hi >&3; cat /tmp/other`;
  assert.deepEqual(await sh(script), ended("hi\n"));
});

test("in monitor mode nothing is killed, and the event says what was left out", async () => {
  await kernel.program([inMode("monitor", deny)]);
  const folder = await aFolder("forbidden");
  const { hooks } = await events.during(async () => {
    assert.deepEqual(await sh(`echo hi >${folder}/x; cat ${folder}/x`), ended("hi\n"));
  });
  assert.deepEqual(
    hooks.filter(({ call }) => call === "__x64_sys_write").map((h) => [h.action, h.monitored]),
    [["Sigkill", true]],
  );
});

test("Override: the write fails with EPERM, nothing is written, the process lives", {
  skip: !canOverride && "this kernel has no error injection of all entries",
}, async () => {
  const [state] = await kernel.program([overriding]);
  const points = ["fentry:__x64_sys_close", "fexit:__x64_sys_read", "fmod_ret:__x64_sys_write"];
  assert.deepEqual(
    state?.state === "programmed" && state.attachments,
    onAllEntries(...points, "fentry:fd_install"),
  );
  const folder = await aFolder("forbidden");
  const { hooks } = await events.during(async () => {
    const script = `exec 2>&1; LC_ALL=C cp /etc/hostname ${folder}/x; echo $?; cat ${folder}/x`;
    const error = `cp: error writing '${folder}/x': Operation not permitted\n`;
    assert.deepEqual(await sh(script), ended(`${error}1\n`));
  });
  assert.deepEqual(
    hooks.filter(({ call }) => call === "__x64_sys_write").map((h) => [h.action, h.monitored]),
    [["Override", false]],
  );
});

test("Override where the kernel cannot: refused, and nothing of the policy is in force", {
  skip: injectsErrors && "this kernel has error injection",
}, async () => {
  const states = await kernel.program([overriding]);
  assert.deepEqual(states, [
    {
      ...{ name: overriding.name, hash: overriding.hash, state: "failed" },
      reason: "KernelLacks",
      message:
        "__x64_sys_write: Override needs error injection, which this kernel is built without (CONFIG_FUNCTION_ERROR_INJECTION, CONFIG_BPF_KPROBE_OVERRIDE); use Sigkill, or a node with such a kernel",
    },
  ]);
  const folder = await aFolder("forbidden");
  const { hooks } = await events.during(async () => {
    assert.deepEqual(await sh(`echo hi >${folder}/x; cat ${folder}/x`), ended("hi\n"));
  });
  assert.deepEqual(hooks, []);
});

test("Override of a security_ function stops the call, with and without error injection", async () => {
  const folder = await aFolder("opened");
  const [reader, secret] = [`${folder}/reader`, `${folder}/secret`];
  await sh(`cp /bin/cat ${reader}; echo x >${secret}`);
  const denied = aSet("no-secret", {
    on: { kind: "kprobe", call: "security_file_open", syscall: false },
    args: [{ index: 0, type: "file" }],
    selectors: [
      {
        conditions: [
          { by: "binary", op: "In", values: [reader] },
          { by: "arg", arg: 0, op: "Equal", values: [secret] },
        ],
        actions: [{ action: "Override", error: 1 }],
      },
    ],
  });
  const read = () => sh(`exec 2>&1; LC_ALL=C ${reader} ${secret}`);
  const [state] = await kernel.program([denied]);
  assert.ok(state?.state === "programmed");
  // Where a call that is preempted could hide another one, an LSM program is attached in its place.
  assert.match(state.attachments.join(), /^(fmod_ret:security_|lsm:)file_open$/);
  const stopped = await events.during(async () => {
    const error = `${reader}: ${secret}: Operation not permitted\n`;
    assert.deepEqual(await read(), { ...ended(error), code: 1 });
    assert.deepEqual(await sh(`cat ${secret}`), ended("x\n"));
  });
  const seen = ({ call, action, monitored }: SeenHook) => [call, action, monitored];
  assert.deepEqual(stopped.hooks.map(seen), [["security_file_open", "Override", false]]);
  await kernel.program([inMode("monitor", denied)]);
  const watched = await events.during(async () => assert.deepEqual(await read(), ended("x\n")));
  assert.deepEqual(watched.hooks.map(seen), [["security_file_open", "Override", true]]);
});

test("while a policy is edited, its old and its new path are never both open", async () => {
  const paths = ["/tmp/left/x", "/tmp/right/x"] as const;
  for (const folder of ["/tmp/left", "/tmp/right"]) mkdirSync(folder);
  const sets = paths.map((path) => denyWrites({ prefix: path.slice(0, -1) }));
  await kernel.program([sets[0]!]);
  const writer = hammer(paths);
  for (let edit = 0; edit < 8; edit++) {
    const [before, then] = edit % 2 === 0 ? [0, 1] : [1, 0];
    await writer.until({ path: paths[before]!, allowed: false });
    await writer.until({ path: paths[then]!, allowed: true });
    writer.forget();
    await kernel.program([sets[then]!]);
    await writer.until({ path: paths[then]!, allowed: false });
    await writer.until({ path: paths[before]!, allowed: true });
    const opened = writer.attempts.findIndex((a) => a.path === paths[before] && a.allowed);
    const late = writer.attempts.slice(opened).filter((a) => a.path === paths[then] && a.allowed);
    assert.deepEqual(late, []);
  }
  await writer.stop();
});

test("an edit that is refused changes nothing where the version before is spared", async (t) => {
  const goOn = () => writeFileSync("/tmp/go", "");
  t.after(goOn); // also when it fails
  const folder = await aFolder("forbidden");
  await kernel.program([deny]);
  const programs = () => bpfIds().prog; // maps of a slot are made anew
  const before = programs();
  const call = "no_such_function";
  const missing: Hook = { on: { kind: "kprobe", call, syscall: false }, args: [], selectors: [] };
  const loads = onGetpriority(when());
  const many = Array.from({ length: 16_385 }, () => when());
  const large = { ...loads, on: { ...loads.on, call: "sys_setpriority" }, selectors: many };
  const waits = (path: string) => `until [ -e ${path} ]; do sleep 0.1; done`;
  const writer = sh(`exec 3>${folder}/x; ${waits("/tmp/go")}; echo hi >&3; echo survived`);
  await sh(waits(`${folder}/x`));
  for (const [hook, reason] of [
    [missing, "HookNotFound"] as const,
    [large, "LimitExceeded"] as const,
  ]) {
    const edit = named({ ...deny.set, hooks: [loads, hook, ...deny.set.hooks] });
    const scopes = { host: [deny.name], podRoots: [], unknownPods: [], cgroups: [] };
    const wanted = { sets: [edit, aSet("other", loads)], scopes };
    const done = await engine.program(wanted, new Set([deny.name]));
    assert.ok(done.kind === "kept");
    assert.deepEqual(
      done.refused.map((state) => [state.name, state.hash, state.reason]),
      [[deny.name, edit.hash, reason]],
    );
    assert.deepEqual(await sh(`echo hi >${folder}/y`), killed);
  }
  await kernel.program([deny]);
  assert.deepEqual(await settled(programs, before), before);
  goOn();
  assert.deepEqual(await writer, killed, "its descriptor is still followed");
});

test("without policies no program, map or link of them is left in the kernel", async () => {
  await kernel.program([]);
  const before = bpfIds();
  const binary: Condition = { by: "binary", op: "In", values: ["/usr/bin/nice"] };
  await kernel.program([deny, aSet("binaries", onGetpriority(when(binary)))]);
  assert.notDeepEqual(madeSince(before), nothing);
  await kernel.program([]);
  assert.deepEqual(await settled(() => madeSince(before), nothing), nothing);
});

test("an exec event has the arguments, the folder and the pid in its namespace", async () => {
  await kernel.program([]);
  const script = `cd /usr; exec /usr/bin/true a "b  c"`;
  const { events: seen } = await events.during(() =>
    run("unshare", "-pf", "/bin/sh", "-c", script),
  );
  const execs = seen
    .filter((event) => event.kind === "exec")
    .map((event) => ({ ...execText(event), cgroup: "", nspid: event.nspid, uid: event.uid }));
  assert.deepEqual(execs[2], {
    ...{ filename: "/usr/bin/true", args: ["/usr/bin/true", "a", "b  c"], cwd: "/usr" },
    ...{ cgroup: "", nspid: 1, uid: 0 },
  });
});

test("each process is reported from its clone to its end, with how it ended", async () => {
  await kernel.program([]);
  const { events: seen } = await events.during(() =>
    sh("(exit 3); (kill -9 $(/bin/sh -c 'echo $PPID')); :"),
  );
  const [first] = seen.filter((event) => event.kind === "clone");
  const family = new Set([first!.process.pid]);
  const story = seen.flatMap((event) => {
    if (event.kind === "clone" && family.has(event.parent.pid)) family.add(event.process.pid);
    return family.has(event.process.pid) ? [lifeOf(event)] : [];
  });
  assert.deepEqual(story, [
    ...["clone", "exec /bin/sh", "clone", "exit 3", "clone", "clone", "exec /bin/sh"],
    ...["exit 0", "signal 9", "exit 0"],
  ]);
});

test("the end of a thread is not the end of its process", async () => {
  await kernel.program([]);
  const code = `new (require("node:worker_threads").Worker)("0", { eval: true }).on("exit", () => process.exit(7))`;
  const { events: seen } = await events.during(() => run(process.execPath, "-e", code));
  const [clone] = seen.filter((event) => event.kind === "clone");
  const mine = seen.filter((event) => event.process.pid === clone!.process.pid).map(lifeOf);
  assert.deepEqual(mine, ["clone", `exec ${process.execPath}`, "exit 7"]);
});

test("with no agent running the write is still killed, and the next agent adopts", async () => {
  await kernel.program([]);
  const bpffs = `${kernel.bpffs}-adopt`;
  mkdirSync(bpffs);
  const dying = testProgram("agent/kernel/testing/agent-that-dies.ts");
  assert.equal((await run(process.execPath, dying, bpffs, "/tmp/adopted/")).signal, "SIGKILL");
  const folder = await aFolder("adopted");
  assert.deepEqual(await sh(`echo hi >${folder}/x`), killed);
  const before = bpfIds();
  const next = kernel.open(bpffs);
  assert.equal(next.adopted, true);
  const set = denyWrites({ prefix: "/tmp/adopted/" });
  const host = [set.name];
  await next.program({ sets: [set], scopes: { host, podRoots: [], unknownPods: [], cgroups: [] } });
  assert.deepEqual(bpfIds().prog, before.prog);
  assert.deepEqual(bpfIds().link, before.link);
  assert.deepEqual(await sh(`echo hi >${folder}/x`), killed);
  await next.program({
    sets: [],
    scopes: { host: [], podRoots: [], unknownPods: [], cgroups: [] },
  });
  assert.deepEqual(await sh(`echo hi >${folder}/x; cat ${folder}/x`), ended("hi\n"));
  rmSync(bpffs, { recursive: true });
});

test("each of 100 policies on one call enforces its own path only", async () => {
  const sets = Array.from({ length: 100 }, (_, i) =>
    aSet(`many-${i}`, {
      on: { kind: "kprobe", call: "sys_write", syscall: true },
      args: [{ index: 0, type: "fd" }],
      selectors: [
        {
          conditions: [{ by: "arg", arg: 0, op: "Prefix", values: [`/tmp/many/${i}/`] }],
          actions: [{ action: "Sigkill" }],
        },
      ],
    }),
  );
  await kernel.program(sets);
  for (const name of ["7", "64", "99", "100"]) mkdirSync(`/tmp/many/${name}`, { recursive: true });
  const { hooks } = await events.during(async () => {
    const script = "for i in 7 64 99 100; do (echo hi >/tmp/many/$i/x); echo $?; done";
    assert.deepEqual(await sh(script), ended("137\n137\n137\n0\n"));
  });
  assert.deepEqual(
    hooks.map(({ policy }) => policy),
    ["many-7", "many-64", "many-99"].map((name) => `tracingpolicy.${name}`),
  );
});

test("an exec with CAP_SYS_ADMIN in a nested pid namespace is killed, any other is not", async () => {
  await kernel.program([example("exec-policy-example")]);
  const inside = async (...options: readonly string[]) =>
    run("unshare", "-pf", ...options, "/bin/echo", "ran");
  const stopped = ended("", 1); // unshare makes 1 of its child's SIGKILL
  const { hooks } = await events.during(async () => {
    assert.deepEqual(await inside(), stopped);
    assert.deepEqual(await inside("-U", "-r"), stopped);
  });
  assert.deepEqual(
    hooks.map(({ action }) => action),
    ["Sigkill", "Sigkill"],
  );
  assert.deepEqual(await inside("-U"), ended("ran\n"));
  assert.deepEqual(await inside("-S", "65534"), ended("ran\n"));
  assert.deepEqual(await run("unshare", "-U", "-r", "/bin/echo", "ran"), ended("ran\n"));
});

test("matchBinaries compares the executable's path, whole or its beginning", async () => {
  const binary = (op: "In" | "NotIn" | "Prefix" | "NotPrefix", values: readonly string[]) =>
    aSet(
      `${op}-${values.join("-")}`.toLowerCase().replaceAll("/", "."),
      onGetpriority(when({ by: "binary", op, values })),
    );
  const sets = [
    binary("In", ["/tmp/bin/one", "/tmp/bin/other"]),
    binary("NotIn", ["/tmp/bin/one"]),
    binary("Prefix", ["/tmp/bin/"]),
    binary("Prefix", ["/tmp/bin/o", "/tmp"]),
    binary("NotPrefix", ["/tmp/bin/o"]),
  ];
  await kernel.program(sets);
  mkdirSync("/tmp/bin");
  for (const name of ["one", "two"]) copyFileSync("/usr/bin/nice", `/tmp/bin/${name}`);
  const saw = async (path: string) =>
    policiesOf((await events.during(() => run(path))).hooks).map((name) => name.slice(14));
  assert.deepEqual(await saw("/tmp/bin/one"), [
    "in-.tmp.bin.one-.tmp.bin.other",
    "prefix-.tmp.bin.",
    "prefix-.tmp.bin.o-.tmp",
  ]);
  assert.deepEqual(await saw("/tmp/bin/two"), [
    "notin-.tmp.bin.one",
    "notprefix-.tmp.bin.o",
    "prefix-.tmp.bin.",
    "prefix-.tmp.bin.o-.tmp",
  ]);
  assert.deepEqual(await saw("/usr/bin/nice"), ["notin-.tmp.bin.one", "notprefix-.tmp.bin.o"]);
});

test("a program at a path of more than 255 bytes is none of a list, and has its beginning", async () => {
  const folder = `/tmp/${"a".repeat(250)}/${"b".repeat(250)}`;
  const binary = (op: "In" | "NotIn" | "Prefix" | "NotPrefix", value: string) =>
    aSet(op.toLowerCase(), onGetpriority(when({ by: "binary", op, values: [value] })));
  await kernel.program([
    binary("In", "/usr/sbin/nginx"),
    binary("NotIn", "/usr/sbin/nginx"),
    binary("Prefix", "/tmp/aaaa"),
    binary("NotPrefix", "/usr/"),
  ]);
  mkdirSync(folder, { recursive: true });
  copyFileSync("/usr/bin/nice", `${folder}/x`);
  const { hooks } = await events.during(() => run(`${folder}/x`));
  assert.deepEqual(
    policiesOf(hooks).map((name) => name.replace(/^tracingpolicy\./, "")),
    ["notin", "notprefix", "prefix"],
  );
});

test("a cgroup has the policies assigned to it, and a later child inherits them", async () => {
  const sets = ["host", "one", "two"].map((name) => aSet(name, onGetpriority()));
  const [host, one, two] = namesOf(sets) as [string, string, string];
  const cgroup = new Cgroup("/sys/fs/cgroup/guardbee-one");
  const scope = (names: readonly string[]) => ({
    ...{ host: [host], podRoots: [], unknownPods: [] },
    cgroups: [{ id: cgroup.id, sets: names }],
  });
  await kernel.program(sets, scope([one]));
  const saw = async (scene: () => unknown) => policiesOf((await events.during(scene)).hooks);
  assert.deepEqual(await saw(() => run("nice")), [host]);
  assert.deepEqual(await saw(() => cgroup.sh("nice")), [one]);
  const child = cgroup.child("later").child("still");
  assert.deepEqual(await saw(() => child.sh("nice")), [one]);
  const programs = bpfIds().prog;
  await engine.assign(scope([one, two]));
  assert.deepEqual(await saw(() => cgroup.sh("nice")), [one, two]);
  await engine.assign(scope([]));
  assert.deepEqual(await saw(() => cgroup.sh("nice")), []);
  assert.deepEqual(await saw(() => run("nice")), [host]);
  assert.deepEqual(bpfIds().prog, programs);
});

test("what one policy lacks is said of it alone, and holds back no other", async () => {
  const missing = aSet("missing", {
    on: { kind: "kprobe", call: "no_such_function", syscall: false },
    ...{ args: [], selectors: [] },
  });
  const large = aSet("large", onGetpriority(...Array.from({ length: 16_385 }, () => when())));
  const states = await kernel.program([missing, large, deny]);
  const last = states.at(-1);
  assert.ok(last?.state === "programmed");
  // Which kind of program is attached depends on how the kernel preempts tasks.
  assert.deepEqual(
    last.attachments.map((one) => one.slice(one.indexOf(":") + 1)).sort(),
    ["__x64_sys_close", "__x64_sys_write", "__x64_sys_read", "fd_install"]
      .flatMap((name) => onAllEntries(`:${name}`))
      .map((one) => one.slice(1))
      .sort(),
  );
  assert.deepEqual(states.slice(0, -1), [
    {
      ...{ name: missing.name, hash: missing.hash, state: "failed", reason: "HookNotFound" },
      message:
        "no_such_function: this kernel has no such function; check the call's name and syscall",
    },
    {
      ...{ name: large.name, hash: large.hash, state: "failed", reason: "LimitExceeded" },
      message: "__x64_sys_getpriority: 16385 selectors; the engine takes 16384 on one attach point",
    },
  ]);
  const folder = await aFolder("forbidden");
  assert.deepEqual(await sh(`echo hi >${folder}/x`), killed);
});

function lifeOf(event: KernelRecord): string {
  if (event.kind === "exec") return `exec ${execText(event).filename}`;
  if (event.kind !== "exit") return event.kind;
  return event.code % 256 === 0 ? `exit ${event.code / 256}` : `signal ${event.code}`;
}

/** The attach points of 64 bits, and those of the same calls by int 0x80 where the kernel takes it. */
function onAllEntries(...points: readonly string[]): readonly string[] {
  const takesInt80 = features.includes("ia32_emulation");
  const calls = takesInt80 ? points.filter((point) => point.includes(":__x64_")) : [];
  return [...points, ...calls.map((point) => point.replace("__x64_", "__ia32_"))].sort();
}

function policiesOf(hooks: readonly SeenHook[]): string[] {
  return hooks.map(({ policy }) => policy).sort();
}

function told({ call, action, args }: SeenHook): string {
  return [call, action, ...args.map(argText)].join(" ");
}

function argText(arg: HookArg): string {
  if (arg.type === "error") return `errno ${arg.errno}`;
  if (arg.type === "string") return `"${arg.text}"`;
  if (arg.type === "char_buf") return `${JSON.stringify(arg.bytes.toString())}/${arg.length}`;
  if ("path" in arg) return arg.path;
  assert.ok("value" in arg);
  return `${arg.value}`;
}

const nothing: BpfIds = { prog: [], map: [], link: [] };

/** What is in the kernel that was not in `before`, which has also what was just about to go. */
function madeSince(before: BpfIds): BpfIds {
  const now = bpfIds();
  const made = (what: keyof BpfIds) => now[what].filter((id) => !before[what].includes(id));
  return { prog: made("prog"), map: made("map"), link: made("link") };
}

/** What `read` gives when it equals `wanted`, or in the end: the kernel frees things a little later. */
async function settled<T>(read: () => T, wanted: T): Promise<T> {
  for (let attempt = 0; attempt < 10; attempt++) {
    if (JSON.stringify(read()) === JSON.stringify(wanted)) break;
  }
  return read();
}

type Attempt = { readonly path: string; readonly allowed: boolean };

/** Writes to `paths` in turn, each from a process of its own, and notes which writes were allowed. */
function hammer(paths: readonly string[]) {
  const each = 'if (echo x >>"$p"); then echo "$p"; else echo "-$p"; fi';
  const script = `while :; do for p; do ${each}; done; done`;
  const child = spawn("/bin/sh", ["-c", script, "sh", ...paths], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  let attempts: Attempt[] = [];
  let met: { readonly attempt: Attempt; readonly done: () => void } | undefined;
  createInterface(child.stdout).on("line", (line) => {
    const attempt = { path: line.replace(/^-/, ""), allowed: !line.startsWith("-") };
    attempts.push(attempt);
    if (met?.attempt.path === attempt.path && met.attempt.allowed === attempt.allowed) met.done();
  });
  return {
    get attempts(): readonly Attempt[] {
      return attempts;
    },
    forget: () => {
      attempts = [];
    },
    /** The next attempt that is like `attempt`. */
    until: (attempt: Attempt) =>
      new Promise<void>((done) => {
        met = { attempt, done };
      }),
    stop: () =>
      new Promise<void>((resolve) => {
        child.once("close", () => resolve());
        child.kill("SIGKILL");
      }),
  };
}
