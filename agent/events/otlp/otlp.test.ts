import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import pino from "pino";
import { enums } from "../../gen/layout.ts";
import type { AgentEvent } from "../event.ts";
import { exitEvent } from "../event.ts";
import { OtlpSink } from "../sinks/otlp-sink.ts";
import { someEvents } from "../testing/some-events.ts";
import { createExportRequest, createLogRecord } from "./log-records.ts";
import { parseOtlp } from "./parse-target.ts";
import { defaultRedaction } from "./secrets.ts";
import { openSend, type Send, type Sent } from "./send.ts";
import { anAnswer, decodeRequest, grpcReceiver, httpReceiver } from "./testing-receiver.ts";

const bootToWallNs = (ns: bigint) => 1_700_000_000_000_000_000n + ns;
const encode = createLogRecord({
  bootToWallNs,
  now: () => 1_800_000_000_000,
  redact: defaultRedaction(),
});
const requestOf = createExportRequest(
  { "service.name": "guardbee-agent" },
  { name: "guardbee", version: "1" },
);
const events = someEvents();

const decoded = (...some: readonly AgentEvent[]) =>
  decodeRequest(requestOf(some.map((event) => encode(event)!)));

test("an exec in a pod has the attributes that OpenTelemetry has names for", () => {
  const { resource, scope, records } = decoded(events.cat);
  assert.deepEqual(resource, { "service.name": "guardbee-agent" });
  assert.deepEqual(scope, { name: "guardbee", version: "1" });
  assert.deepEqual(records, [
    {
      attributes: {
        "process.pid": 201,
        "process.parent_pid": 200,
        "process.creation.time": "2023-11-14T22:13:20.000201Z",
        "process.executable.path": "/bin/cat",
        "process.executable.name": "cat",
        "process.command_line": "/bin/cat /etc/x",
        "process.working_directory": "/root",
        "process.user.id": 0,
        "k8s.namespace.name": "shop",
        "k8s.pod.name": "web-1",
        "k8s.pod.uid": "u",
        "k8s.deployment.name": "web",
        "k8s.pod.label.app": "web",
        "k8s.pod.label.tier": "front",
        "k8s.pod.label.replica": "3",
        "k8s.container.name": "nginx",
        "container.id": "4cb1e9a1ab98044e789c2d426909a6ee1731005cab0a1c5dea9941a5e7889c51",
        "container.name": "nginx",
        "container.image.name": "docker.io/library/nginx:1",
        "container.image.id": "i",
        "guardbee.parent.executable.path": "/usr/sbin/nginx",
        "guardbee.parent.command_line": "/usr/sbin/nginx",
        "thread.id": 201,
      },
      body: "/bin/cat /etc/x",
      eventName: "guardbee.process_exec",
      severity: [9, "INFO"],
      times: ["1700000000000201000", "1800000000000000000"],
    },
  ]);
});

test("a pod's own process, in no container that is listed, has the id that its cgroup has", () => {
  const process = events.cat.process!;
  const { pod } = process.container!;
  const sandbox = { ...process, container: { pod } };
  const { attributes } = decoded({ ...events.cat, process: sandbox }).records[0]!;
  assert.equal(attributes["k8s.pod.name"], "web-1");
  assert.equal(attributes["container.id"], "4cb1e9a1ab98044e789c2d426909a6e");
  assert.equal("container.name" in attributes, false);
});

test("a stopped call has its policy, its rule, and what was done apart from what was asked", () => {
  const flags = enums.hook_flag.HOOK_STOPPED;
  const [record] = decoded({ ...events.denied, flags, action: 3 }).records;
  const { attributes, body, severity, eventName } = record!;
  assert.equal(attributes["security_rule.name"], "__x64_sys_write");
  assert.equal(attributes["security_rule.ruleset.name"], "deny");
  assert.equal(attributes["guardbee.action"], "KPROBE_ACTION_SIGKILL");
  assert.equal(attributes["guardbee.outcome"], "stopped");
  assert.deepEqual(
    [body, severity, eventName],
    ["__x64_sys_write /bin/cat /etc/x", [13, "WARN"], "guardbee.process_kprobe"],
  );
});

test("an exit has its code or its signal; of a process that is not known there is the pid", () => {
  const exit = (code: number) =>
    decoded(exitEvent(undefined, { ktime: 5n, process: { pid: 7, ktime: 1n }, code })).records[0]!;
  const time = "2023-11-14T22:13:20.000000005Z";
  const who = { "process.pid": 7, "thread.id": 7 };
  assert.deepEqual(exit(0).attributes, {
    ...who,
    "process.exit.code": 0,
    "process.exit.time": time,
  });
  const killed = { ...who, "process.exit.time": time, "guardbee.exit.signal": "SIGKILL" };
  assert.deepEqual(exit(9).attributes, killed);
});

const leaks: readonly { words: string; want: string }[] = [
  { words: "--password=S3CRET x", want: "--password=***** x" },
  { words: "--db-password S3CRET", want: "--db-password *****" },
  {
    words: "env API_KEY=S3CRET aws_secret_access_key: S3CRET",
    want: "env API_KEY=***** aws_secret_access_key: *****",
  },
  { words: '-H "Authorization: Bearer S3CRETS3CRET"', want: '-H "Authorization: Bearer *****"' },
  { words: "postgres://me:S3CRET@db/x", want: "postgres://me:*****@db/x" },
  { words: "-u me:S3CRET https://x", want: "-u me:***** https://x" },
  { words: "-pS3CRET -h db", want: "-p***** -h db" },
  { words: "AKIAABCDEFGHIJKLMNOP", want: "*****" },
  { words: "ghp_abcdefghijklmnopqrstuvwxyz0123456789", want: "*****" },
  { words: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdef", want: "*****" },
  { words: "-p 8080:80 ls -la /tmp", want: "-p 8080:80 ls -la /tmp" },
];
for (const { words, want } of leaks) {
  test(`of ${words} leaves the node: ${want}`, () => {
    const process = events.curl.process!;
    const image = { ...process.image, arguments: words };
    const event = { ...events.curl, process: { ...process, image }, parent: { ...process, image } };
    const { attributes } = decoded(event).records[0]!;
    assert.equal(attributes["process.command_line"], `/usr/bin/curl ${want}`);
    assert.equal(attributes["guardbee.parent.command_line"], `/usr/bin/curl ${want}`);
  });
}

test("arguments are cut between two of them, so that no half of a secret is left", () => {
  const process = events.curl.process!;
  const shown = (words: string) => {
    const event = {
      ...events.curl,
      process: { ...process, image: { ...process.image, arguments: words } },
    };
    return decoded(event).records[0]!.attributes["process.command_line"];
  };
  const plain = "x ".repeat(2_040);
  assert.equal(shown(`${plain}--token ${"S".repeat(100)}`), `/usr/bin/curl ${plain}--token [cut]`);
  const quoted = `${plain}--token "${"S ".repeat(100)}"`;
  assert.equal(shown(quoted), `/usr/bin/curl ${plain}--token [cut]`);
  assert.equal(shown("S".repeat(9_000)), "/usr/bin/curl [cut]");
});

const target = (url: string, protocol: "grpc" | "http/protobuf") => {
  const parsed = parseOtlp({
    otlpEndpoint: url,
    otlpProtocol: protocol,
    otlpHeaders: "X-Token=a%20b",
  });
  assert.ok(parsed.ok && parsed.value !== undefined);
  return parsed.value;
};

const answers: readonly { name: string; http: object; grpc: object; want: Sent }[] = [
  {
    name: "taken",
    http: { status: 200 },
    grpc: { status: 0 },
    want: { kind: "taken", rejected: 0 },
  },
  {
    name: "taken in part",
    http: { status: 200, body: anAnswer(3, "too old") },
    grpc: { status: 0, body: anAnswer(3, "too old") },
    want: { kind: "taken", rejected: 3, why: "too old" },
  },
];
for (const { name, http, grpc, want } of answers) {
  test(`a request is ${name}, over HTTP and gRPC`, async () => {
    await using overHttp = await httpReceiver([http as never]);
    await using overGrpc = await grpcReceiver([grpc as never]);
    const { signal } = new AbortController();
    const request = requestOf([encode(events.bash)!]);
    const sent = [
      await openSend(target(`${overHttp.url}/otel/`, "http/protobuf"))(request, signal),
      await openSend(target(overGrpc.url, "grpc"))(request, signal),
    ];
    assert.deepEqual(sent, [want, want]);
    const [first, second] = [overHttp.received[0]!, overGrpc.received[0]!];
    assert.equal(first.path, "/otel/v1/logs");
    assert.equal(second.path, "/opentelemetry.proto.collector.logs.v1.LogsService/Export");
    for (const { headers, body } of [first, second]) {
      assert.equal(headers["x-token"], "a b");
      assert.deepEqual(body, request);
    }
  });
}

test("what is to be tried again and what never is taken are told apart", async () => {
  await using http = await httpReceiver([
    { status: 503, headers: { "retry-after": "7" } },
    { status: 400 },
  ]);
  const detailed = { "grpc-status-details-bin": "" };
  await using grpc = await grpcReceiver([
    { status: 14, headers: { "grpc-message": "busy" } },
    { status: 3 },
    { status: 8 },
    { status: 8, headers: detailed },
  ]);
  const { signal } = new AbortController();
  const overHttp = openSend(target(http.url, "http/protobuf"));
  const overGrpc = openSend(target(grpc.url, "grpc"));
  const again: (readonly [string, number | undefined])[] = [];
  for (const send of [overHttp, overHttp, overGrpc, overGrpc, overGrpc, overGrpc]) {
    const sent = await send(Buffer.alloc(0), signal);
    again.push([sent.kind, sent.kind === "later" ? sent.afterMs : undefined]);
  }
  assert.deepEqual(again, [
    ["later", 7_000],
    ["refused", undefined],
    ["later", undefined],
    ["refused", undefined],
    ["refused", undefined],
    ["later", undefined],
  ]);
  for (const protocol of ["grpc", "http/protobuf"] as const) {
    const nobody = await openSend(target("http://127.0.0.1:9", protocol))(Buffer.alloc(0), signal);
    assert.equal(nobody.kind, "later");
  }
});

function aSink(send: Send, backlogBytes?: number) {
  const clock = new ManualClock();
  const said: string[] = [];
  const log = pino({}, { write: (text: string) => said.push(JSON.parse(text).msg) });
  const sink = new OtlpSink({
    ...{ endpoint: "http://x", send, encode: () => Buffer.alloc(100), requestOf, clock, log },
    ...(backlogBytes === undefined ? {} : { backlogBytes }),
  });
  return { clock, said, sink };
}

test("while nobody takes them events wait, beyond the backlog all but stops are dropped; all are counted", async () => {
  let takes = false;
  const sizes: number[] = [];
  const { clock, said, sink } = aSink(async (request) => {
    if (!takes) return { kind: "later", why: "busy" };
    sizes.push(decodeSize(request));
    return { kind: "taken", rejected: 1 };
  }, 1_000);
  const stop = new AbortController();
  const running = sink.run(stop.signal);
  const killed: AgentEvent = { ...events.denied, flags: enums.hook_flag.HOOK_STOPPED };
  sink.write(Array(15).fill(events.bash));
  sink.write(Array(15).fill(killed));
  const { waiting, dropped } = sink.stats();
  assert.deepEqual([waiting, dropped.backlog], [21, 9]);
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 100) {
      await clock.advance(100);
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await pass(3_000);
  takes = true;
  await pass(5_000);
  while (sink.stats().waiting > 0) await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  await running;
  assert.deepEqual(sizes, [21]);
  const end = sink.stats();
  assert.deepEqual([end.delivered, end.dropped.error, end.dropped.backlog], [20, 1, 9]);
  assert.deepEqual(said, [
    "OTLP is not taken; it is tried again",
    "OTLP is refused; its events are lost",
  ]);
});

test("at the end what waits is sent, or counted as lost", async () => {
  for (const [kind, want] of [
    ["taken", [3, 0]],
    ["later", [0, 3]],
  ] as const) {
    const answer = kind === "taken" ? { kind, rejected: 0 } : { kind, why: "busy" };
    const { sink } = aSink(async () => answer);
    const stop = new AbortController();
    const running = sink.run(stop.signal);
    sink.write([events.bash, events.curl, events.cat]);
    stop.abort();
    await running;
    sink.write([events.bash]);
    const { delivered, waiting, dropped } = sink.stats();
    assert.deepEqual([[delivered, dropped.closed - 1], waiting], [want, 0]);
  }
});

function decodeSize(request: Buffer): number {
  return request.length === 0 ? 0 : decodeCount(request);
}

/** How many records of 100 zeros it has: they decode as nothing. */
function decodeCount(request: Buffer): number {
  return Math.floor(request.length / 102);
}

const wrong: readonly { options: object; want: string }[] = [
  { options: { otlpEndpoint: "collector:4317" }, want: "--otlp-endpoint" },
  { options: { otlpHeaders: "token" }, want: "OTEL_EXPORTER_OTLP_HEADERS" },
  { options: { otlpHeaders: "a=%zz" }, want: "OTEL_EXPORTER_OTLP_HEADERS" },
];
for (const { options, want } of wrong) {
  test(`${JSON.stringify(options)} is refused`, () => {
    const byDefault = {
      otlpEndpoint: "http://x:1",
      otlpProtocol: "grpc",
      otlpHeaders: "",
    } as const;
    const parsed = parseOtlp({ ...byDefault, ...options });
    assert.deepEqual(parsed.ok ? [] : parsed.problems.map(({ field }) => field), [want]);
  });
}
