import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { runCli } from "../run-cli.ts";
import { anIo } from "../testing-io.ts";

const policy = fileURLToPath(
  new URL("../../config/examples/deny-tmp-forbidden-write.yaml", import.meta.url),
);
const name = "deny-tmp-forbidden-write";
let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "guardbee-replay-"));
});
after(() => rm(folder, { recursive: true }));

const vi = {
  ...{ exec_id: "dmk=", pid: 102, uid: 0, binary: "/usr/bin/vi", arguments: "a" },
  ...{ flags: "execve clone", in_init_tree: false },
  pod: { namespace: "default", name: "xwing", container: { name: "spaceship", pid: 66 } },
};
const regular = "-rw-r--r--";

function kprobe(call: string, action: string, args: readonly object[], over: object = {}): string {
  const event = {
    ...{ process: vi, parent: { pid: 100, binary: "/bin/bash" }, function_name: call, args },
    ...{ action: `KPROBE_ACTION_${action}`, policy_name: name },
    ...over,
  };
  return JSON.stringify({ process_kprobe: event, node_name: "n", time: "2026-01-02T03:04:05Z" });
}

const open = (path: string) =>
  kprobe("fd_install", "FOLLOWFD", [{ int_arg: 3 }, { file_arg: { path, permission: regular } }]);
const write = (path: string, over: object = {}) =>
  kprobe(
    "__x64_sys_write",
    "SIGKILL",
    [
      { file_arg: { path, permission: regular } },
      { bytes_arg: Buffer.from("x").toString("base64") },
      { size_arg: "1" },
    ],
    over,
  );
const close = kprobe("__x64_sys_close", "UNFOLLOWFD", [{ int_arg: 3 }]);
const path = "/tmp/forbidden/donotchange.me";

async function replay(flags: readonly string[], stdin?: string) {
  const { io, out, err } = anIo({ cwd: folder, ...(stdin === undefined ? {} : { stdin }) });
  const code = await runCli(["replay", ...flags], io);
  return { code, out: out(), err: err() };
}

test("the seed's policy does about its own events what the kernel did", async () => {
  const { code, out, err } = await replay(
    ["--policy", policy],
    [open(path), close, open(path), write(path)].join("\n"),
  );
  assert.deepEqual({ code, err }, { code: 0, err: "" });
  assert.equal(
    out,
    `4 events, 4 of what the policies are asked about

POLICY                                   HOOK   ON           SELECTOR   ACTION       OUTCOME    EVENTS
TracingPolicy/deny-tmp-forbidden-write   0      fd_install   0          FOLLOWFD     reported   2
TracingPolicy/deny-tmp-forbidden-write   1      sys_close    0          UNFOLLOWFD   reported   1
TracingPolicy/deny-tmp-forbidden-write   3      sys_write    0          SIGKILL      stopped    1

Of 4 events that these policies recorded, 4 would be recorded as they were, 0 would not, and of 0 that cannot be told.
`,
  );
});

test("another policy of that name decides on what was recorded, and by what it would have followed", async () => {
  const changed = join(folder, "changed.yaml");
  const { readFile } = await import("node:fs/promises");
  const text = await readFile(policy, "utf8");
  await writeFile(changed, text.replace("/tmp/forbidden/", "/tmp/other/"));
  const events = [open("/tmp/forbidden/a"), write("/tmp/forbidden/a"), write("/tmp/unseen")];
  const flags = ["--policy", changed, "--recorded-by", policy, "-o", "json"];
  const { out, err } = await replay(
    flags,
    [...events, open("/tmp/other/b"), write("/tmp/other/b")].join("\n"),
  );
  const verdicts = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .map(({ kind, on, why }) => [kind, on, why]);
  assert.deepEqual(verdicts, [
    [
      "untold",
      "sys_write",
      "whether it follows that descriptor: the record does not have where it was opened",
    ],
    ["reported", "fd_install", undefined],
    ["stopped", "sys_write", undefined],
  ]);
  assert.match(err, /2 would be recorded as they were, 2 would not, and of 1 that cannot be told/);
});

test("100,000 events are replayed, and a compressed file is read as it is", async () => {
  const file = join(folder, "events.log.gz");
  const pair = `${open(path)}\n${write(path)}\n`;
  await writeFile(file, gzipSync(pair.repeat(50_000)));
  const { code, out } = await replay(["--policy", policy, file]);
  assert.equal(code, 0);
  assert.match(out, /^100000 events/);
  assert.match(out, /Of 100000 events that these policies recorded, 100000 would be/);
});

test("what is no event is counted and left out; a source of nothing else, or one that breaks off, ends with 1", async () => {
  const cut = write(path).slice(0, 40);
  const some = await replay(["--policy", policy], [cut, open(path), "{}", ""].join("\n"));
  assert.equal(some.code, 0);
  assert.match(
    some.err,
    /^guardbee replay: -: 2 lines are no events and left out; of the first, line 1 /,
  );
  const none = await replay(["--policy", policy], `${cut}\n`);
  assert.equal(none.code, 1);
  const file = join(folder, "cut.log.gz");
  await writeFile(file, gzipSync(`${open(path)}\n`.repeat(100)).subarray(0, -20));
  const broken = await replay(["--policy", policy, file]);
  assert.equal(broken.code, 1);
  assert.match(broken.err, /cut.log.gz: cannot be read: unexpected end of file/);
  const missing = await replay(["--policy", policy, "missing.log"]);
  assert.equal(missing.code, 1);
  assert.match(missing.err, /missing.log: cannot be read: ENOENT/);
});

test("what events do not tell is said, and taken for granted only where that is asked for", async () => {
  const file = join(folder, "binaries.yaml");
  await writeFile(
    file,
    `apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: binaries}
spec:
  kprobes:
  - call: fd_install
    syscall: false
    args: [{index: 1, type: file}]
    selectors:
    - matchBinaries: [{operator: In, values: [/usr/bin/vi]}]
      matchArgs: [{index: 1, operator: Prefix, values: [/tmp/forbidden/]}]
      matchActions: [{action: Sigkill}]
    - matchCapabilities: [{type: Effective, operator: In, values: [CAP_SYS_ADMIN]}]
`,
  );
  const flags = ["--policy", file, "--recorded-by", policy];
  const strict = await replay(flags, open(path));
  assert.match(strict.out, /nothing would have matched for sure/);
  assert.match(strict.out, /the name a program was started by, which may be a link or a script/);
  const assumed = await replay([...flags, "--assume", "names", "-o", "compact"], open(path));
  assert.match(assumed.out, /^📬 open .* ⇒ binaries: stopped \(SIGKILL\)\n$/);
  const elsewhere = await replay([...flags, "--assume", "names"], open("/tmp/ok"));
  assert.match(elsewhere.out, /events have the capabilities at exec, not at the call/);
  const unknown = await replay(["--policy", file, "--assume", "names"], open(path));
  assert.match(unknown.out, /policy deny-tmp-forbidden-write, which recorded it, is not given/);
});

test("an ExecPolicy decides on execs, and not on processes that ran before", async () => {
  const file = join(folder, "exec.yaml");
  await writeFile(
    file,
    `apiVersion: cilium.io/v1alpha1
kind: ExecPolicy
metadata: {name: admin}
spec:
  mode: monitor
  rules:
    selectors:
    - matchCapabilities: [{operator: In, isNamespaceCapability: true, values: [CAP_SYS_ADMIN]}]
    - matchActions: [{action: Sigkill}]
`,
  );
  const exec = (flags: string, cap: object | undefined) =>
    JSON.stringify({ process_exec: { process: { ...vi, flags, ...(cap && { cap }) } } });
  const admin = { effective: ["CAP_SYS_ADMIN"] };
  const lines = [exec("execve", admin), exec("execve", {}), exec("procFS", admin)];
  const { out } = await replay(
    ["--policy", file],
    [...lines, exec("execve", undefined)].join("\n"),
  );
  assert.match(out, /ExecPolicy\/admin +0 +exec +0 +SIGKILL +would be stopped +1\n/);
  assert.match(out, /the agent that recorded it ran without --enable-process-cred +1\n/);
});

test("a policy that is refused, or no events, are said", async () => {
  const file = join(folder, "wrong.yaml");
  await writeFile(
    file,
    "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: a}\nspec: {kprobe: []}\n",
  );
  const { code, err } = await replay(["--policy", file], open(path));
  assert.equal(code, 1);
  assert.match(err, /wrong.yaml:4: spec.kprobe: /);
  assert.equal((await replay(["--policy", policy])).code, 2);
});
