import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect as connectHttp2, type ServerHttp2Stream } from "node:http2";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { systemClock } from "@guardbee/kube";
import { pino } from "pino";
import { frame } from "../wire/frame.ts";
import { begin } from "./call.ts";
import type { Methods } from "./method.ts";
import { GrpcServer, type GrpcServerOptions } from "./server.ts";
import { code, GrpcError } from "./status.ts";

const log = pino({ level: "silent" });
const folder = mkdtempSync(join(tmpdir(), "grpc-server-"));
after(() => rmSync(folder, { recursive: true }));

const methods: Methods = new Map([
  ["/t.S/Echo", { kind: "unary", answer: async (request: Uint8Array) => request }],
  [
    "/t.S/Refuse",
    {
      kind: "unary",
      answer: async () => {
        throw new GrpcError(code.failedPrecondition, "größer als\n100 %");
      },
    },
  ],
  [
    "/t.S/Bug",
    {
      kind: "unary",
      answer: async () => {
        throw new TypeError("of the inside");
      },
    },
  ],
  ["/t.S/Hang", { kind: "unary", answer: () => new Promise(() => {}) }],
  ["/t.S/Count", { kind: "stream", stream: count }],
]);

async function count(request: Uint8Array, to: ServerHttp2Stream): Promise<void> {
  begin(to);
  for (let i = 0; i < request.length; i++) to.write(frame(Buffer.from([i])));
}

async function aServer(options: Partial<GrpcServerOptions> = {}) {
  const server = new GrpcServer({
    loadMethods: async () => methods,
    clock: systemClock,
    log,
    ...options,
  });
  const path = join(folder, `${Math.random().toString(36).slice(2)}.sock`);
  await server.listen({ kind: "unix", path });
  return { server, path, [Symbol.asyncDispose]: () => server.close() };
}

const asIs = (bytes: Buffer) => bytes;
type Failure = { readonly code: number; readonly details: string };

/** A client that is not ours. */
function aClient(path: string, options: grpc.ClientOptions = {}) {
  const client = new grpc.Client(`unix:${path}`, grpc.credentials.createInsecure(), options);
  return {
    call: (method: string, request: Buffer, deadlineMs?: number) =>
      new Promise<Buffer | Failure>((resolve) => {
        const deadline = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
        const done = (error: grpc.ServiceError | null, value?: Buffer) =>
          resolve(error === null ? value! : { code: error.code, details: error.details });
        client.makeUnaryRequest(method, asIs, asIs, request, deadline, done);
      }),
    stream: (method: string, request: Buffer) =>
      client.makeServerStreamRequest(method, asIs, asIs, request),
    [Symbol.dispose]: () => client.close(),
  };
}

test("a call is answered, whatever its size up to the bound", async () => {
  await using server = await aServer();
  using client = aClient(server.path);
  for (const size of [0, 1, 70_000, 4 << 20]) {
    const request = Buffer.alloc(size, 7);
    assert.deepEqual(await client.call("/t.S/Echo", request), request);
  }
});

const refused: readonly {
  name: string;
  method: string;
  bytes?: number;
  deadlineMs?: number;
  want: Failure;
}[] = [
  {
    name: "what the method refuses is told with its words",
    method: "/t.S/Refuse",
    want: { code: 9, details: "größer als\n100 %" },
  },
  {
    name: "a bug of the inside is not told",
    method: "/t.S/Bug",
    want: { code: 13, details: "the agent has a bug here; its log says more" },
  },
  {
    name: "a method that there is not",
    method: "/t.S/Nothing",
    want: { code: 12, details: "there is no method /t.S/Nothing" },
  },
  {
    name: "a message that is too large",
    method: "/t.S/Echo",
    bytes: (4 << 20) + 1,
    want: {
      code: 8,
      details: "a message of 4194305 bytes is larger than 4194304; send less",
    },
  },
  {
    name: "a deadline",
    method: "/t.S/Hang",
    deadlineMs: 50,
    want: { code: 4, details: "" },
  },
];
for (const { name, method, bytes = 1, deadlineMs, want } of refused) {
  test(`a call fails with its status: ${name}`, async () => {
    await using server = await aServer();
    using client = aClient(server.path);
    const found = (await client.call(method, Buffer.alloc(bytes), deadlineMs)) as Failure;
    const details = want.details === "" ? "" : found.details;
    assert.deepEqual({ ...found, details }, want);
  });
}

test("a stream gives its messages in their order, and ends", async () => {
  await using server = await aServer();
  using client = aClient(server.path);
  const found: number[] = [];
  for await (const message of client.stream("/t.S/Count", Buffer.alloc(300))) {
    found.push((message as Buffer)[0]!);
  }
  assert.deepEqual(
    found,
    Array.from({ length: 300 }, (_, i) => i % 256),
  );
});

test("the socket is for its owner and group, replaces one that nobody listens on, and no other", async () => {
  const left = join(folder, "left.sock");
  const first = new GrpcServer({ loadMethods: async () => methods, clock: systemClock, log });
  await first.listen({ kind: "unix", path: left });
  assert.equal(statSync(left).mode & 0o777, 0o660);
  const second = new GrpcServer({ loadMethods: async () => methods, clock: systemClock, log });
  await assert.rejects(second.listen({ kind: "unix", path: left }), {
    message: `${left}: another agent listens there; end it`,
  });
  using client = aClient(left);
  assert.deepEqual(await client.call("/t.S/Echo", Buffer.from("x")), Buffer.from("x"));
  await first.close();
  await second.listen({ kind: "unix", path: left });
  await second.close();
  const file = join(folder, "file");
  writeFileSync(file, "");
  await assert.rejects(second.listen({ kind: "unix", path: file }), {
    message: `${file}: is there, and is no socket; remove it`,
  });
});

test("calls that are under way at the end are told", async () => {
  const server = await aServer();
  using client = aClient(server.path);
  const hanging = client.call("/t.S/Hang", Buffer.from("x"));
  await client.call("/t.S/Echo", Buffer.from("x"));
  await server[Symbol.asyncDispose]();
  assert.deepEqual(await hanging, { code: 14, details: "the agent ends" });
});

/** Answers to what no client of gRPC sends, by what is sent. */
const odd: readonly { name: string; headers?: object; body?: Buffer; want: object }[] = [
  {
    name: "a PUT",
    headers: { ":method": "PUT" },
    want: { ":status": 405 },
  },
  { name: "JSON", headers: { "content-type": "application/json" }, want: { ":status": 415 } },
  { name: "no message", body: Buffer.alloc(0), want: { "grpc-status": "3" } },
  { name: "a part of a head", body: Buffer.alloc(3), want: { "grpc-status": "3" } },
  {
    name: "two messages",
    body: Buffer.concat([frame(Buffer.from("a")), frame(Buffer.from("b"))]),
    want: { "grpc-status": "3" },
  },
  {
    name: "a message that ends before its length",
    body: frame(Buffer.from("abc")).subarray(0, 6),
    want: { "grpc-status": "3" },
  },
  {
    name: "a compressed message",
    body: Buffer.from([1, 0, 0, 0, 1, 7]),
    want: { "grpc-status": "12" },
  },
  {
    name: "a length of 4 GiB",
    body: Buffer.from([0, 255, 255, 255, 255]),
    want: { "grpc-status": "8" },
  },
];
for (const { name, headers = {}, body, want } of odd) {
  test(`what is no call ends as a status: ${name}`, async () => {
    await using server = await aServer();
    const session = connectHttp2("http://x", { createConnection: () => connect(server.path) });
    const stream = session.request({
      ...{ ":method": "POST", ":path": "/t.S/Echo", "content-type": "application/grpc" },
      ...headers,
    });
    stream.on("error", () => {});
    stream.end(body ?? frame(Buffer.from("x")));
    const [found] = await once(stream, "response");
    session.destroy();
    const [[key, value]] = Object.entries(want) as [[string, unknown]];
    assert.equal(found[key], value);
  });
}

test("garbage, and half of a handshake, end with the connection, and others are served", async () => {
  await using server = await aServer();
  for (const bytes of [
    "GET / HTTP/1.1\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nxxxxxxxxxxxx",
    "\0",
  ]) {
    const socket = connect(server.path);
    socket.on("error", () => {});
    socket.end(bytes);
    socket.resume();
    await once(socket, "close");
  }
  using client = aClient(server.path);
  assert.deepEqual(await client.call("/t.S/Echo", Buffer.from("x")), Buffer.from("x"));
});

test("one connection too many ends the one that is idle for the longest, none that is used", async () => {
  await using server = await aServer({ connections: 3 });
  const sessions = Array.from({ length: 3 }, () =>
    connectHttp2("http://x", { createConnection: () => connect(server.path) }),
  );
  await Promise.all(sessions.map((session) => once(session, "remoteSettings")));
  const used = sessions[0]!.request({
    ...{ ":method": "POST", ":path": "/t.S/Hang", "content-type": "application/grpc" },
  });
  used.on("error", () => {});
  used.end(frame(Buffer.from("x")));
  const closed = once(sessions[1]!, "close");
  await once(sessions[2]!.request({ ":method": "GET", ":path": "/" }), "response");
  using client = aClient(server.path);
  assert.deepEqual(await client.call("/t.S/Echo", Buffer.from("x")), Buffer.from("x"));
  await closed;
  assert.equal(sessions[0]!.closed, false);
  for (const session of sessions) session.destroy();
});

test("calls that are answered at once are bounded", async () => {
  await using server = await aServer({ calls: 2 });
  using client = aClient(server.path);
  void client.call("/t.S/Hang", Buffer.from("x"));
  void client.call("/t.S/Hang", Buffer.from("x"));
  const third = await client.call("/t.S/Echo", Buffer.from("x"));
  assert.deepEqual(third, { code: 8, details: "too many calls" });
});
