import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { systemClock } from "@guardbee/kube";
import { pino } from "pino";
import { execEvent } from "../../agent/events/event.ts";
import { ListTracingPoliciesResponseSchema } from "../../agent/gen/wire.ts";
import { GrpcServer } from "../../agent/grpc/server.ts";
import { aFolder, aNode as aNodeAt, aPolicy, until } from "../../agent/grpc/testing/a-node.ts";
import { ProcessTree } from "../../agent/process/tree.ts";
import type { Io } from "../command.ts";
import { Output } from "../output.ts";
import { runCli } from "../run-cli.ts";

const log = pino({ level: "silent" });

/** The API of a node, and the client that asks it. */
async function aNode(t: TestContext) {
  const node = await aNodeAt(t);
  return { ...node, tetra: clientOf(node.path, node.folder) };
}

type Ran = { readonly code: number; readonly out: string; readonly err: string };

function clientOf(path: string, cwd: string) {
  return async (words: readonly string[], more: Partial<Io> = {}): Promise<Ran> => {
    const [out, err] = [aSink(), aSink()];
    const io: Io = {
      ...{ stdin: Readable.from([]), stdinIsPiped: false, env: {}, cwd },
      ...{ stdoutIsTty: false, stdoutColumns: undefined },
      stdout: new Output(out.stream),
      stderr: new Output(err.stream),
      signal: new AbortController().signal,
      ...more,
    };
    const code = await runCli(["tetra", ...words, "--server-address", `unix://${path}`], io);
    return { code, out: out.text(), err: err.text() };
  };
}

function aSink() {
  let text = "";
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  return { stream, text: () => text };
}

test("commands print what upstream's do", async (t) => {
  const { folder, tetra } = await aNode(t);
  writeFileSync(join(folder, "p.yaml"), aPolicy("kill"));
  const table = (mode: string, state = "enabled") =>
    `ID   NAME   DOMAIN   STATE${" ".repeat(state.length - 2)}FILTERID   NAMESPACE   SENSORS          KERNELMEMORY   MODE${" ".repeat(mode.length - 1)}NPOST   NENFORCE   NMONITOR
1    kill   grpc     ${state}   0          (global)    generic_kprobe   0 B            ${mode}   0       0          0
`;
  const script: readonly (readonly [words: string, out: string])[] = [
    ["status", "Health Status: running\n"],
    ["version --server", "CLI version: 0.1.0\nServer version: 1.2.3\n"],
    [
      "info",
      '{"Name":"guardbee","Version":"1.2.3","Probes":{"fentry":true,"lsm":true},"Conf":{"kube":false,"nodeName":"n1","policy":"a,b","healthPort":7},"Build":{"GoVersion":"","Commit":"","Time":"","Modified":""}}\n',
    ],
    ["tp add p.yaml", 'tracing policy "p.yaml" added\n'],
    ["tracingpolicy list", table("enforce")],
    ["tp set-mode kill monitor", 'tracing policy "kill" set to mode "monitor"\n'],
    ["tp list", table("monitor")],
    ["tp disable kill", 'tracing policy "kill" disabled\n'],
    ["tp list", table("monitor", "disabled")],
    ["tp enable kill", 'tracing policy "kill" enabled\n'],
    ["tp domains", "[grpc static]\n"],
    [
      "tp list -o json",
      '{"policies":[{"id":"1","name":"kill","sensors":["generic_kprobe"],"enabled":true,"state":"TP_STATE_ENABLED","mode":"TP_MODE_MONITOR","stats":{"action_counters":{}},"domain":"grpc"}]}\n',
    ],
    ["tp delete kill", 'tracing policy "kill" deleted\n'],
    ["tp add p.yaml --mode monitor", 'tracing policy "p.yaml" added\n'],
    ["tp list", table("monitor").replace("\n1 ", "\n1 ")],
    ["loglevel get", "Current log level: LOG_LEVEL_INFO\n"],
    ["log set debug", "Log level set to: LOG_LEVEL_DEBUG\n"],
    [
      "eventlog get",
      'Current logging parameters: max_size:10 rotation_interval:"0s" max_backups:5\n',
    ],
    ["eventlog set --max-size 20 --rotation-interval 90m", ""],
    [
      "eventlog get",
      'Current logging parameters: max_size:20 rotation_interval:"1h30m0s" max_backups:5\n',
    ],
    ["rthooks create-container --container-id 1", ""],
    ["dump processcache", ""],
  ];
  for (const [words, out] of script) {
    assert.deepEqual(await tetra(words.split(" ")), { code: 0, out, err: "" }, words);
  }
});

test("what selectors have done is counted: in the kernel what they stopped, here what they reported", async (t) => {
  const { engine, folder, tetra } = await aNode(t);
  writeFileSync(join(folder, "p.yaml"), aPolicy("kill"));
  await tetra(["tp", "add", "p.yaml"]);
  const { name, hash } = engine.programmed.at(-1)!.sets[0]!;
  engine.stopped.set(name, {
    ...{ hash, stopped: 7, wouldStop: 2, ofProtected: 1 },
    selectors: [{ hookIndex: 0, selectorIndex: 0, reported: 9, stopped: 6, wouldStop: 2 }],
  });
  const { out } = await tetra(["tp", "list"]);
  assert.match(out, /NPOST {3}NENFORCE {3}NMONITOR\n1 .* enforce {3}9 {7}7 {10}2\n$/);
  const json = JSON.parse((await tetra(["tp", "list", "-o", "json"])).out);
  assert.deepEqual(json.policies[0].stats, {
    action_counters: { post: "9", signal: "7", monitor_signal: "2" },
    selector_action_counters: [
      {
        ...{ hook: "kprobe:fd_install", hook_index: 0, selector_index: 0 },
        action_counters: { post: "9", signal: "6", monitor_signal: "2" },
      },
    ],
  });
});

const refused: readonly { words: string; want: string }[] = [
  {
    words: "tp delete x",
    want: "Error: rpc error: code = NotFound desc = there is no policy x in domain grpc\n",
  },
  {
    words: "sensors list",
    want: "Error: rpc error: code = Unimplemented desc = ListSensors is deprecated; use ListTracingPolicies\n",
  },
  { words: "tp set-mode x audit", want: "Error: audit is no mode; use enforce or monitor\n" },
  {
    words: "eventlog set --max-size 0",
    want: "Error: rpc error: code = InvalidArgument desc = max_size is 0; write 1 or more MiB\n",
  },
  { words: "log set loud", want: "Error: loud is no level; use debug or info\n" },
  {
    words: "status --tls-skip-verify",
    want: "Error: --tls-*: a Unix socket has no TLS; leave them out\n",
  },
  {
    words: "status --timeout soon",
    want: "Error: --timeout: soon is no time; write one as in 30s or 1m30s\n",
  },
];
for (const { words, want } of refused) {
  test(`what is wrong is said as upstream's does: ${words}`, async (t) => {
    const { tetra } = await aNode(t);
    assert.deepEqual(await tetra(words.split(" ")), { code: 1, out: "", err: want });
  });
}

test("an agent that is not there is asked again, and then that is said", async (t) => {
  const folder = aFolder(t);
  const { code, out, err } = await clientOf(
    join(folder, "x.sock"),
    folder,
  )(["status", "--retries=0"]);
  assert.deepEqual([code, out], [1, ""]);
  assert.match(err, /^Error: rpc error: code = Unavailable desc = connect ENOENT /);
});

test("getevents prints events as they happen, filtered by the agent", async (t) => {
  const { events, tetra } = await aNode(t);
  const tree = new ProcessTree(() => 0);
  const kernel = tree.all()[Symbol.iterator]().next().value!;
  const stop = new AbortController();
  const io = { signal: stop.signal };
  const running = Promise.all([
    tetra(["getevents", "-o", "compact", "--timestamps"], io),
    tetra(["getevents", "-e", "PROCESS_EXIT"], io),
    tetra(["getevents", "-f", "process.pid"], io),
  ]);
  await until(() => events.stats().readers === 3);
  events.write([execEvent(kernel, 1_000_000_000n)]);
  await until(() => events.stats().waiting === 0);
  await setTimeout(50);
  stop.abort();
  const [compact, exits, fields] = await running;
  assert.deepEqual(compact, {
    ...{ code: 0, err: "" },
    out: "1970-01-01T00:00:01.000000000Z 🚀 process n1 <kernel> \n",
  });
  assert.equal(exits.out, "");
  assert.equal(
    fields.out,
    '{"process_exec":{"process":{"pid":0}},"node_name":"n1","time":"1970-01-01T00:00:01Z"}\n',
  );
});

test("getevents reads standard input where something is sent", async (t) => {
  const folder = aFolder(t);
  const tetra = clientOf(join(folder, "x.sock"), folder);
  const line = '{"process_exec":{"process":{"binary":"/bin/x"}},"node_name":"n1"}\n';
  const given = () => ({ stdinIsPiped: true, stdin: Readable.from([`${line}no event\n${line}`]) });
  const ran = await tetra(["getevents", "--process", "x$"], given());
  assert.deepEqual(ran, { code: 0, out: line + line, err: "" });
  const bad = await tetra(["getevents", "--cel-expression", "nothing("], given());
  assert.equal(bad.code, 1);
  assert.match(bad.err, /^Error: --cel-expression: /);
});

test("what is on standard input is filtered as the agent filters", async (t) => {
  const folder = aFolder(t);
  const tetra = clientOf(join(folder, "x.sock"), folder);
  const anEvent = (name: string, pid: number, pod: object | undefined) =>
    `{"process_exec":{"process":{"pid":${pid},"binary":"/bin/${name}"${pod === undefined ? "" : `,"pod":${JSON.stringify(pod)}`}}},"node_name":"n1","later":1}\n`;
  const web = { namespace: "web-1", name: "front", container: { name: "app" } };
  const [one, two] = [anEvent("a", 7, web), anEvent("b", 8, undefined)];
  const given = () => ({ stdinIsPiped: true, stdin: Readable.from([one + two]) });
  const cases: readonly (readonly [words: string, out: string])[] = [
    ["--namespace-regex ^web", one],
    ["--container app", one],
    ["--container x", ""],
    ["--cel-expression process_exec.process.pid==8u", two],
    ["--cel-expression process_exit.process.pid==8u", ""],
    [
      "--include-fields process.pid --process a$",
      '{"process_exec":{"process":{"pid":7}},"node_name":"n1","later":1}\n',
    ],
    [
      "-F process.pod,process.pid --pod front",
      '{"process_exec":{"process":{"binary":"/bin/a"}},"node_name":"n1","later":1}\n',
    ],
    ["-e PROCESS_EXIT", ""],
    ["--host --namespace x", two],
  ];
  for (const [words, out] of cases) {
    const ran = await tetra(["getevents", ...words.split(" ")], given());
    assert.deepEqual(ran, { code: 0, out, err: "" }, words);
  }
});

test("the hash of a file is left out of compact lines where that is asked for", async (t) => {
  const folder = aFolder(t);
  const tetra = clientOf(join(folder, "x.sock"), folder);
  const process = { binary: "/bin/a" };
  const args = [{ file_arg: { path: "/x" } }];
  const lsm = { process, function_name: "file_open", args, ima_hash: "sha1:ff" };
  const line = `${JSON.stringify({ process_lsm: lsm, node_name: "n1" })}\n`;
  const printed = async (...words: readonly string[]) => {
    const given = { stdinIsPiped: true, stdin: Readable.from([line]) };
    return (await tetra(["getevents", "-o", "compact", ...words], given)).out;
  };
  assert.equal(await printed(), "🔒 LSM     n1 /bin/a file_open\n   /x sha1:ff\n");
  assert.equal(await printed("--ima-hash=false"), "🔒 LSM     n1 /bin/a file_open\n");
});

test("policies of a later agent are shown as far as they are known", async (t) => {
  const folder = aFolder(t);
  const path = join(folder, "later.sock");
  const policies = [
    {
      ...{ id: 1n, name: "p", namespace: "web", domain: "k8s", filterId: 2n, state: 8, mode: 9 },
      ...{ kernelMemoryBytes: 1_234_567n, sensors: ["a", "b"] },
      stats: { actionCounters: { post: 1n, signal: 2n, override: 3n, monitorSet: 4n } },
      hookStatuses: [{ section: "kprobes", hookIdx: 1, hookDescription: "x", state: 3 }],
    },
  ];
  const answer = toBinary(
    ListTracingPoliciesResponseSchema,
    create(ListTracingPoliciesResponseSchema, { policies }),
  );
  const unknown = Buffer.from([0xfa, 0xf0, 0x04, 1, 0x78]); // field 9999
  const server = new GrpcServer({
    loadMethods: async () =>
      new Map([
        [
          "/tetragon.FineGuidanceSensors/ListTracingPolicies",
          { kind: "unary", answer: async () => Buffer.concat([answer, unknown]) },
        ],
      ]),
    ...{ clock: systemClock, log },
  });
  await server.listen({ kind: "unix", path });
  t.after(() => server.close());
  const { out } = await clientOf(path, folder)(["tp", "list"]);
  assert.equal(
    out,
    `ID   NAME   DOMAIN   STATE               FILTERID   NAMESPACE   SENSORS   KERNELMEMORY   MODE   NPOST   NENFORCE   NMONITOR
1    p      k8s      partially_enabled   2          web         a,b       1.23 MB        9      1       5          4
     SECTION   CFGIDX   DESCRIPTION   STATUS
     kprobes   1        x             call_not_found
`,
  );
});
