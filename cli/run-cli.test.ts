import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
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
    argv: ["agent", "--events-file-max-mb", "0"],
    want: "--events-file-max-mb: takes a whole number from 1 to 1000000",
  },
  { argv: ["events"], want: "name one of: events follow" },
  { argv: ["events", "follow"], want: "Not enough non-option arguments: got 0, need at least 1" },
  {
    argv: ["getevents", "--pod", "("],
    want: "--pod: Invalid regular expression: /(/u: Unterminated group; write a regular expression",
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

test("getevents tells about events that were lost, and goes on", async () => {
  const lost = '{"rate_limit_info":{"number_of_dropped_process_events":"42"}}\n';
  const { code, out, err } = await cli(["getevents", "-o", "compact"], {
    stdin: `${lost}${bash}\n`,
  });
  assert.equal(code, 0);
  assert.equal(out, "🚀 process default/xwing /bin/bash\n");
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
