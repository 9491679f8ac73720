import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rename, rm, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runCli } from "./run-cli.ts";
import { anIo } from "./testing-io.ts";

const bash = JSON.stringify({
  process_exec: { process: { binary: "/bin/bash", pod: { namespace: "default", name: "xwing" } } },
});
const kill = JSON.stringify({
  process_kprobe: {
    process: { binary: "/usr/bin/vi", pod: { namespace: "other", name: "ywing" } },
    function_name: "fd_install",
    policy_name: "deny",
  },
});
const host = JSON.stringify({ process_exec: { process: { binary: "/bin/ls" } }, node_name: "n" });
const events = `${bash}\n${kill}\nno json\n${host}\n{"unknown_kind":{}}\n`;

async function cli(argv: readonly string[], change: Parameters<typeof anIo>[0] = {}) {
  const { io, out, err } = anIo(change);
  return { code: await runCli(argv, io), out: out(), err: err() };
}

const wrong: readonly { argv: readonly string[]; want: string }[] = [
  { argv: ["frobnicate"], want: "Unknown argument: frobnicate" },
  { argv: ["getevents", "--bogus"], want: "Unknown argument: bogus" },
  {
    argv: ["agent", "--health-port", "many"],
    want: "--health-port: takes a whole number from 0 to 65535",
  },
  {
    argv: ["agent", "--events-file-max-mb", "-1"],
    want: "--events-file-max-mb: takes a whole number from 0 to 1000000",
  },
  { argv: ["events"], want: "name one of: events follow" },
  { argv: ["events", "follow"], want: "Not enough non-option arguments: got 0, need at least 1" },
  {
    argv: ["getevents", "--pod", "("],
    want: "--pod: missing closing ): `(`; write a regular expression of RE2's syntax",
  },
  {
    argv: ["getevents", "--server-address", "localhost:54321"],
    want:
      "--server-address: localhost:54321 is no Unix socket; " +
      "use unix:// and the path of the agent's socket",
  },
];
for (const { argv, want } of wrong) {
  test(`guardbee ${argv.join(" ")} is wrong usage`, async () => {
    const { code, out, err } = await cli(argv);
    const help = "Run guardbee --help to see what there is.";
    assert.deepEqual({ code, out, err }, { code: 2, out: "", err: `guardbee: ${want}\n${help}\n` });
  });
}

test("policy check - reads standard input", async () => {
  const { code, out } = await cli(["policy", "check", "-"], { stdin: "kind: TracingPolicy\n" });
  assert.equal(code, 1);
  assert.match(out, /^-:1: apiVersion: is missing; write cilium\.io\/v1alpha1$/m);
});

test("help and version go to standard output", async () => {
  assert.match((await cli(["--version"])).out, /^\d+\.\d+\.\d+\n$/);
  assert.match((await cli([])).out, /guardbee getevents/);
  assert.match((await cli(["events", "follow", "--help"])).out, /--from/);
});

test("completion prints a script, and the words that it asks for", async () => {
  assert.match((await cli(["completion", "bash"])).out, /complete -o bashdefault/);
  assert.match((await cli(["completion"], { env: { SHELL: "/bin/zsh" } })).out, /^#compdef/);
  const { out } = await cli(["--get-yargs-completions", "guardbee", "events", ""]);
  assert.match(out, /^follow/);
  const rego = await cli(["--get-yargs-completions", "guardbee", "rego", ""]);
  assert.deepEqual(
    rego.out
      .split("\n")
      .map((line) => line.split(":")[0])
      .filter((word) => !word!.startsWith("-")),
    ["test", "eval", "build", ""],
  );
});

const filters: readonly { argv: readonly string[]; want: readonly string[] }[] = [
  { argv: [], want: [bash, kill, host] },
  { argv: ["-n", "default", "-n", "other"], want: [bash, kill] },
  { argv: ["--host"], want: [host] },
  { argv: ["--namespace", "other", "--host"], want: [kill, host] },
  { argv: ["--pod", "wing$"], want: [bash, kill] },
  { argv: ["--process", "^/bin/"], want: [bash, host] },
  { argv: ["-e", "PROCESS_EXEC", "--process", "bash"], want: [bash] },
  { argv: ["--policy-names", "deny"], want: [kill] },
];
for (const { argv, want } of filters) {
  test(`getevents ${argv.join(" ")} prints what is piped in and matches, as it is`, async () => {
    const { code, out } = await cli(["getevents", ...argv], { stdin: events });
    assert.equal(code, 0);
    assert.deepEqual(out.split("\n").slice(0, -1), want);
  });
}

/** Characters that libraries take for ends of lines, and JSON has raw in its strings. */
const inText = ["\u2028", "\u2029", "\u0085"];
for (const separator of inText) {
  const name = `U+${separator.charCodeAt(0).toString(16).padStart(4, "0")}`;
  test(`an event with ${name} in its arguments is one event, in json and in compact`, async () => {
    const process = { binary: "/bin/sh", arguments: `-c id${separator}x` };
    const line = JSON.stringify({ process_exec: { process }, node_name: "n" });
    assert.ok(line.includes(separator));
    const stdin = `${line}\n${host}\n`;
    const json = await cli(["getevents"], { stdin });
    const [first, second, ...rest] = json.out.split("\n");
    assert.deepEqual([JSON.parse(first!), second, rest], [JSON.parse(line), host, [""]]);
    const compact = await cli(["getevents", "-o", "compact"], { stdin });
    assert.equal(
      compact.out,
      `🚀 process n /bin/sh "-c id\\${name.replace("U+", "u")}x"\n🚀 process n /bin/ls \n`,
    );
    assert.deepEqual([json.err, compact.err, json.code], ["", "", 0]);
  });
}

test("a byte order mark before the first event hides it not", async () => {
  const { code, out, err } = await cli(["getevents"], { stdin: `\ufeff${bash}\n${host}\n` });
  assert.deepEqual({ code, out, err }, { code: 0, out: `${bash}\n${host}\n`, err: "" });
});

test("carriage returns at the ends of lines, and alone between them, hide no event", async () => {
  for (const stdin of [`${bash}\r\n${host}\r\n`, `${bash}\r${host}\n`, `${bash}\n${host}`]) {
    const { code, out, err } = await cli(["getevents"], { stdin });
    assert.deepEqual([code, err], [0, ""]);
    assert.deepEqual(
      out.split("\n").map((line) => line.trim()),
      [bash, host, ""],
    );
  }
});

const time = "2026-01-02T03:04:06.000000001Z";
const unread: readonly { what: string; line: string; advice: string }[] = [
  {
    ...{ what: "kubectl logs --prefix", line: `[pod/guardbee-agent-x/export-stdout] ${bash}` },
    advice: "leave out --prefix of kubectl logs",
  },
  {
    ...{ what: "kubectl logs --timestamps", line: `${time} ${bash}` },
    advice: "leave out --timestamps of kubectl logs",
  },
  {
    ...{ what: "a CRI runtime's file", line: `${time} stdout F ${bash}` },
    advice: "it is from a container runtime's log; take it with kubectl logs",
  },
  {
    ...{
      what: "Docker's file",
      line: JSON.stringify({ log: `${bash}\n`, stream: "stdout", time }),
    },
    advice: "it is from a container runtime's log; take it with kubectl logs",
  },
  {
    ...{ what: "a collector", line: `node-1 export-stdout ${bash}` },
    advice: "leave out what stands before each event",
  },
  {
    ...{ what: "a newer agent", line: '{"process_new":{"process":{}},"node_name":"n"}' },
    advice: "it is of a kind that this version does not know",
  },
  {
    ...{ what: "something else", line: "level=info msg=started" },
    advice: "give it the JSON lines of an agent: its file, or kubectl logs -c export-stdout",
  },
];
for (const { what, line, advice } of unread) {
  test(`getevents of lines of ${what} says that it could read nothing, and ends with 1`, async () => {
    const { code, out, err } = await cli(["getevents"], { stdin: `${line}\n${line}\n` });
    const said = `2 lines are no events and left out; of the first, line 1 without empty ones: ${advice}`;
    assert.deepEqual(
      { code, out, err },
      { code: 1, out: "", err: `guardbee getevents: ${said}\n` },
    );
  });
}

test("getevents counts what it left out beside events, and ends with 0; of nothing it says nothing", async () => {
  const { code, err } = await cli(["getevents"], { stdin: events });
  assert.equal(code, 0);
  assert.match(
    err,
    /^guardbee getevents: 2 lines are no events and left out; of the first, line 3 without empty ones: give it/,
  );
  assert.deepEqual(await cli(["getevents"], { stdin: "\n" }), { code: 0, out: "", err: "" });
});

test("getevents tells about events that were lost, and goes on", async () => {
  const lost = '{"rate_limit_info":{"number_of_dropped_process_events":"42"}}\n';
  const { code, out, err } = await cli(["getevents", "-o", "compact"], {
    stdin: `${lost}${bash}\n`,
  });
  assert.equal(code, 0);
  assert.equal(out, "🚀 process default/xwing /bin/bash \n");
  assert.equal(err, "guardbee getevents: 42 events were dropped; this reader is slow\n");
});

test("getevents reads the agent's socket when nothing is piped in", async () => {
  const folder = await mkdtemp(join(tmpdir(), "getevents-"));
  try {
    const path = join(folder, "events.sock");
    const server = createServer((socket) => socket.end(`${bash}\n`)).listen(path);
    await once(server, "listening");
    const { code, out, err } = await cli(["getevents", "--server-address", `unix://${path}`]);
    assert.deepEqual({ code, out }, { code: 3, out: `${bash}\n` });
    assert.equal(err, `guardbee getevents: ${path}: the agent hung up\n`);
    server.close();
    await once(server, "close");
    const gone = await cli(["getevents", "--server-address", path]);
    assert.equal(gone.code, 3);
    assert.match(gone.err, /no agent is listening \(ENOENT\); start guardbee agent/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("events follow copies a file until it is stopped", async () => {
  const folder = await mkdtemp(join(tmpdir(), "follow-"));
  try {
    const path = join(folder, "events.log");
    await writeFile(path, `${bash}\n`);
    const stop = new AbortController();
    const { io, out, printed } = anIo({ signal: stop.signal });
    const written = printed();
    const running = runCli(["events", "follow", path], io);
    await written;
    stop.abort(new Error("enough"));
    assert.equal(await running, 0);
    assert.equal(out(), `${bash}\n`);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("events follow says how many lines were removed before it could read them", async () => {
  const folder = await mkdtemp(join(tmpdir(), "follow-"));
  try {
    const path = join(folder, "events.log");
    const index = async (first: number) => {
      const inode = String((await stat(path, { bigint: true })).ino);
      const files = [{ name: "events.log", inode, first }];
      await writeFile(join(folder, ".events.index"), JSON.stringify(files));
    };
    await writeFile(path, `${bash}\n`);
    await index(0);
    const stop = new AbortController();
    const env = { NODE_NAME: "worker-1" };
    const { io, out, printed } = anIo({ signal: stop.signal, env });
    const first = printed();
    const running = runCli(["events", "follow", path], io);
    await first;
    const told = printed();
    await rename(path, join(folder, "other")); // so that its inode is not used again
    await writeFile(path, `${bash}\n`);
    await index(8);
    await told;
    while (out().split("\n").length < 4) await printed();
    stop.abort(new Error("enough"));
    assert.equal(await running, 0);
    const [before, line, after, end] = out().split("\n");
    const { rate_limit_info: missed, node_name: node } = JSON.parse(line!);
    assert.deepEqual(missed, { number_of_dropped_process_events: "7" });
    assert.deepEqual([before, node, after, end], [bash, "worker-1", bash, ""]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

const main = fileURLToPath(new URL("main.ts", import.meta.url));
/** The program itself, with `input` on its standard input, through a shell line. */
const shell = (line: string, input = "") =>
  spawnSync("bash", ["-c", line, main], {
    ...{ input, encoding: "utf8", env: { ...process.env, NODE: process.execPath } },
  });

const full: readonly string[] = [
  "getevents",
  "getevents -o compact",
  "--help",
  "completion bash",
  "policy check - -o json",
];
for (const command of full) {
  test(`${command} on a full disk says so in one line and ends with 4`, () => {
    const { status, stderr } = shell(`"$NODE" "$0" ${command} > /dev/full`, `${bash}\n`);
    const said =
      /^guardbee: standard output: ENOSPC: no space left on device, write; nothing more is/m;
    assert.match(stderr, said);
    assert.doesNotMatch(stderr, /^ +at /m);
    assert.equal(status, 4);
  });
}

test("a reader that closes the pipe early ends a command quietly", () => {
  const many = `${bash}\n`.repeat(20_000);
  const line = `set -o pipefail; "$NODE" "$0" getevents | head -n 1`;
  const { status, stdout, stderr } = shell(line, many);
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: `${bash}\n`, stderr: "" });
});

test("a folder on standard input is said, not read as nothing", () => {
  const { status, stderr } = shell(`"$NODE" "$0" getevents < /`);
  const said = "guardbee getevents: what it reads broke off: EISDIR: standard input is a folder\n";
  assert.deepEqual({ status, stderr }, { status: 1, stderr: said });
  assert.equal(shell(`"$NODE" "$0" policy check - < /`).status, 2);
});

test("a full disk behind standard error costs the message, not the answer", () => {
  const { status, stdout } = shell(`"$NODE" "$0" getevents 2> /dev/full`, events);
  assert.deepEqual([status, stdout.split("\n").length], [0, 4]);
});

test("a command that is stopped ends as shells expect it, without a word", async () => {
  const silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const folder = await mkdtemp(join(tmpdir(), "stopped-"));
  try {
    const { port } = silent.address() as AddressInfo;
    const kubeconfig = join(folder, "kubeconfig");
    const cluster = { server: `http://127.0.0.1:${port}` };
    const config = {
      ...{ apiVersion: "v1", kind: "Config", "current-context": "c" },
      clusters: [{ name: "c", cluster }],
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      users: [{ name: "u", user: {} }],
    };
    await writeFile(kubeconfig, JSON.stringify(config));
    for (const [signal, code] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const) {
      const child = spawn(process.execPath, [main, "nodes", "--kubeconfig", kubeconfig], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      const said = Promise.all([text(child.stdout), text(child.stderr)]);
      const [socket] = (await once(silent, "connection")) as [Socket];
      child.kill(signal);
      assert.deepEqual(await once(child, "exit"), [code, null]);
      assert.deepEqual(await said, ["", ""]);
      socket.destroy();
    }
  } finally {
    silent.close();
    await rm(folder, { recursive: true });
  }
});

test("what the system refuses is one line", () => {
  const { status, stderr } = shell(`OPA=/bin/true TMPDIR=/dev/null "$NODE" "$0" rego test .`);
  assert.match(stderr, /^guardbee: ENOTDIR: not a directory, mkdtemp [^\n]*\n$/);
  assert.equal(status, 1);
});

test("an expression that takes others ages takes getevents no longer than its events are long", async () => {
  const line = JSON.stringify({
    process_exec: { process: { binary: `${"a".repeat(50_000)}!` } },
  });
  const began = performance.now();
  const { code, out } = await cli(["getevents", "--process", "^(a+)+$"], { stdin: `${line}\n` });
  assert.deepEqual([code, out], [0, ""]);
  assert.ok(performance.now() - began < 20_000);
});
