import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { afterEach, beforeEach, test } from "node:test";
import { Worker } from "node:worker_threads";
import pino from "pino";
import type { HttpRoute } from "./http-exchange.ts";
import { type HttpListen, serve } from "./http-server.ts";
import { selfSigned } from "./testing/certificate.ts";
import { closeOf, converse, openTo, statusOf } from "./testing/raw-http.ts";

let stop: AbortController;
let logged: string[];
beforeEach(() => {
  stop = new AbortController();
  logged = [];
});
afterEach(() => stop.abort());

const ok: HttpRoute = { method: "GET", answer: () => ({ status: 200, body: "ok\n" }) };
const echo: HttpRoute = {
  method: "POST",
  maxBodyBytes: 10,
  answer: ({ body }) => ({ status: 200, body: body.toString() }),
};

async function serving(routes: object = {}, listen: Partial<HttpListen> = {}) {
  const log = pino(
    { level: "info" },
    { write: (line: string) => logged.push(JSON.parse(line).msg) },
  );
  const all = new Map<string, HttpRoute>(Object.entries({ "/ok": ok, "/echo": echo, ...routes }));
  const { port } = await serve(all, { port: 0, host: "127.0.0.1", log, ...listen }, stop.signal);
  return { port };
}

const get = (target: string) => `GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`;
const post = (headers: string) =>
  `POST /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers}\r\n`;

const answered: readonly { name: string; sent: string; want: string }[] = [
  { name: "a path", sent: get("/ok"), want: "HTTP/1.1 200 OK" },
  { name: "a path and a query", sent: get("/ok?//"), want: "HTTP/1.1 200 OK" },
  { name: "GET //", sent: get("//"), want: "HTTP/1.1 404 Not Found" },
  { name: "GET http://[", sent: get("http://["), want: "HTTP/1.1 404 Not Found" },
  { name: "GET *", sent: get("*"), want: "HTTP/1.1 404 Not Found" },
  { name: "GET /__proto__", sent: get("/__proto__"), want: "HTTP/1.1 404 Not Found" },
  { name: "OPTIONS *", sent: get("*").replace("GET", "OPTIONS"), want: "HTTP/1.1 404 Not Found" },
  { name: "another method", sent: get("/echo"), want: "HTTP/1.1 405 Method Not Allowed" },
  { name: "HEAD of a GET", sent: get("/ok").replace("GET", "HEAD"), want: "HTTP/1.1 200 OK" },
  {
    name: "CONNECT",
    sent: get("x:443").replace("GET", "CONNECT"),
    want: "HTTP/1.1 405 Method Not Allowed",
  },
  {
    name: "Upgrade",
    sent: "GET /ok HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n",
    want: "HTTP/1.1 200 OK",
  },
  { name: "no HTTP", sent: "\0\r\n\r\n", want: "HTTP/1.1 400 Bad Request" },
  { name: "no host", sent: "GET /ok HTTP/1.1\r\n\r\n", want: "HTTP/1.1 400 Bad Request" },
  {
    name: "a request line of 1 MB",
    sent: get(`/${"a".repeat(1 << 20)}`),
    want: "HTTP/1.1 431 Request Header Fields Too Large",
  },
  { name: "a body", sent: `${post("content-length: 3\r\n")}abc`, want: "HTTP/1.1 200 OK" },
  {
    name: "a body that is said to be longer than the limit",
    sent: post("content-length: 11\r\n"),
    want: "HTTP/1.1 413 Payload Too Large",
  },
  {
    name: "a body that turns out longer than the limit",
    sent: `${post("transfer-encoding: chunked\r\n")}b\r\nabcdefghijk\r\n`,
    want: "HTTP/1.1 413 Payload Too Large",
  },
  {
    name: "chunked garbage",
    sent: `${post("transfer-encoding: chunked\r\n")}zz\r\n`,
    want: "HTTP/1.1 400 Bad Request",
  },
  {
    name: "a long extension of a chunk",
    sent: `${post("transfer-encoding: chunked\r\n")}1;${"a".repeat(20_000)}\r\n`,
    want: "HTTP/1.1 413 Payload Too Large",
  },
  {
    name: "a body that waits to be asked for",
    sent: `${post("content-length: 3\r\nexpect: 100-continue\r\n")}`,
    want: "HTTP/1.1 100 Continue",
  },
  {
    name: "a body that is too long to be asked for",
    sent: `${post("content-length: 11\r\nexpect: 100-continue\r\n")}`,
    want: "HTTP/1.1 413 Payload Too Large",
  },
  {
    name: "another expectation",
    sent: `${post("content-length: 3\r\nexpect: x\r\n")}abc`,
    want: "HTTP/1.1 417 Expectation Failed",
  },
];
for (const { name, sent, want } of answered) {
  test(`${name}: ${want.slice(9)}, and the server goes on`, async () => {
    const target = await serving();
    const socket = openTo(target);
    socket.write(sent);
    const [first] = await once(socket, "data");
    assert.equal(String(first).split("\r\n", 1)[0], want);
    socket.destroy();
    assert.equal(await statusOf(target, get("/ok")), "HTTP/1.1 200 OK");
    assert.deepEqual(logged, []);
  });
}

test("an answer that throws, or rejects, is a 500 and a line in the log", async () => {
  const broken = () => {
    throw new Error("broken");
  };
  const routes = {
    "/throws": { method: "GET", answer: broken },
    "/rejects": { method: "GET", answer: async () => broken() },
    "/header": { method: "GET", answer: () => ({ status: 200, type: "a\nb", body: "" }) },
  };
  const target = await serving(routes);
  const internal = "HTTP/1.1 500 Internal Server Error";
  assert.equal(await statusOf(target, get("/throws")), internal);
  assert.equal(await statusOf(target, get("/rejects")), internal);
  assert.equal(await statusOf(target, get("/header")), "");
  assert.equal(await statusOf(target, get("/ok")), "HTTP/1.1 200 OK");
  const cannot = "a request cannot be answered";
  assert.deepEqual(logged, [cannot, cannot, "an answer cannot be sent"]);
});

test("a connection answers one request after the other", async () => {
  const { port } = await serving();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set<number | undefined>();
  for (const _ of [1, 2, 3]) {
    const asked = request({ host: "127.0.0.1", port, path: "/ok", agent }).end();
    const [answer] = await once(asked, "response");
    ports.add(asked.socket?.localPort);
    answer.resume();
    await once(answer, "end");
  }
  agent.destroy();
  assert.equal(ports.size, 1);
});

test("a peer that asks on as soon as it has its answer is answered, however late we hear that it was sent", async () => {
  // The answer is sent, and the thread is held up until the next request is there.
  const held: HttpRoute = {
    method: "GET",
    answer: () =>
      new Promise((resolve) => {
        setTimeout(() => resolve({ status: 200, body: "ok\n" }), 5);
        setTimeout(() => holdUp(100), 5);
      }),
  };
  const all = new Map([["/held", held]]);
  const log = pino({ level: "silent" });
  const listen = { port: 0, host: "127.0.0.1", tls: {}, log };
  const server = await serve(all, listen, stop.signal);
  const { cert: certificate, key } = selfSigned();
  server.setCertificate({ certificate, key });
  const data = { port: server.port, count: 5 };
  const client = new Worker(new URL("./testing/swift-client.ts", import.meta.url), {
    workerData: data,
  });
  const [answers] = await once(client, "message");
  assert.equal(answers, 5);
});

function holdUp(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end) {}
}

test("more requests before there is an answer: the connection ends, and its work", async () => {
  const ended = Promise.withResolvers<unknown>();
  const held: HttpRoute = {
    method: "GET",
    answer: (_request, signal) =>
      new Promise(() => signal.addEventListener("abort", () => ended.resolve(signal.reason))),
  };
  const target = await serving({ "/held": held });
  const keep = "GET /held HTTP/1.1\r\nhost: x\r\n\r\n";
  assert.equal(await converse(target, keep, keep), "");
  assert.equal(String(await ended.promise), "Error: the peer is gone");
});

test("connections held open: the newest is heard, the one that waits longest goes", async () => {
  const target = await serving({}, { connections: { inAll: 8, perPeer: 8 } });
  const open = [];
  for (const _ of Array(8).keys()) {
    const socket = openTo(target);
    socket.write("GET /ok HTTP/1.1\r\n");
    await once(socket, "connect");
    open.push(socket);
  }
  const closed = Promise.race(open.map((socket, i) => closeOf(socket).then(() => i)));
  assert.equal(await statusOf(target, get("/ok")), "HTTP/1.1 200 OK");
  assert.equal(await closed, 0);
  for (const socket of open) socket.destroy();
});

test("bodies held open: the one that waits longest goes; all in work: 503", async () => {
  const release = Promise.withResolvers<void>();
  const work: HttpRoute = {
    ...echo,
    answer: async () => {
      await release.promise;
      return { status: 200, body: "" };
    },
  };
  const target = await serving({ "/echo": work }, { requests: { inAll: 2, perPeer: 2 } });
  const half = post("content-length: 3\r\nexpect: 100-continue\r\n");
  const [first, second] = [openTo(target), openTo(target)];
  for (const socket of [first, second]) {
    socket.write(half);
    await once(socket, "data"); // 100 Continue
  }
  const gone = closeOf(first);
  const whole = `${post("content-length: 3\r\n")}abc`;
  const third = statusOf(target, whole);
  await gone;
  second.write("abc");
  assert.equal(await statusOf(target, whole), "HTTP/1.1 503 Service Unavailable");
  release.resolve();
  assert.equal(await third, "HTTP/1.1 200 OK");
});

test("the end of the server ends what is open, handshakes included", async () => {
  const plain = openTo(await serving());
  const tls = openTo(await serving({}, { tls: {} }));
  await Promise.all([once(plain, "connect"), once(tls, "connect")]);
  tls.write("\x16\x03\x01");
  const closed = Promise.all([closeOf(plain), closeOf(tls)]);
  plain.write(get("/ok").slice(0, 10));
  stop.abort();
  await closed;
});
