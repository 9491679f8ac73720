import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { type RequestStats, Requests } from "./requests.ts";

const log = pino({ level: "silent" });
const url = (url: string) => ({ kind: "url", url }) as const;
const name = (fqdn: string) => ({ kind: "name", fqdn }) as const;

async function until(requests: Requests, is: (stats: RequestStats) => boolean): Promise<void> {
  while (!is(requests.stats())) await sleep(5);
}

test("nothing is asked of others unless the agent was told of whom", () => {
  const none = new Requests({ requestHosts: [], requestResolver: "" }, log);
  assert.equal(
    none.whyNot(url("http://169.254.169.254/latest/")),
    "GetUrl: this agent may not fetch from 169.254.169.254; start it with --request-hosts 169.254.169.254",
  );
  assert.equal(
    none.whyNot(name("trap.example.org")),
    "DnsLookup: this agent asks no DNS server; start it with --request-resolver ADDRESS",
  );
  none.make(url("http://169.254.169.254/latest/"));
  none.make(name("trap.example.org"));
  assert.deepEqual(none.stats(), { made: 0, failed: 0, dropped: 2 });
});

test("a host is allowed with any port, or with one; nothing else is", () => {
  const requests = new Requests(
    { requestHosts: ["Trap.example.org", "other.example.org:8080"], requestResolver: "192.0.2.53" },
    log,
  );
  const allowed = [
    "http://trap.example.org/a",
    "https://trap.example.org:9/",
    "http://other.example.org:8080/",
  ];
  for (const one of allowed) assert.equal(requests.whyNot(url(one)), undefined, one);
  const not = [
    "http://other.example.org/",
    "http://trap.example.org.evil.example/",
    "http://[::1]/",
  ];
  for (const one of not) assert.notEqual(requests.whyNot(url(one)), undefined, one);
  assert.equal(requests.whyNot(name("trap.example.org")), undefined);
  assert.notEqual(requests.whyNot(name("other.example.org")), undefined);
});

test("a resolver that is no address is refused at once", () => {
  assert.throws(() => new Requests({ requestHosts: [], requestResolver: "dns.example" }, log));
});

test("an address is fetched, a redirect is not followed, and a failure is counted", async (t) => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.writeHead(302, { location: "/elsewhere" }).end();
  }).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const requests = new Requests({ requestHosts: ["127.0.0.1"], requestResolver: "" }, log);
  requests.make(url(`http://127.0.0.1:${port}/canary?x=1`));
  await until(requests, ({ made }) => made === 1);
  assert.deepEqual(seen, ["GET /canary?x=1"]);
  requests.make(url("http://127.0.0.1:1/"));
  await until(requests, ({ failed }) => failed === 1);
});

test("of more requests than can be under way at once the others are dropped", async (t) => {
  const server = createServer(() => undefined).listen(0, "127.0.0.1");
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const requests = new Requests({ requestHosts: ["127.0.0.1"], requestResolver: "" }, log);
  for (let i = 0; i < 20; i++) requests.make(url(`http://127.0.0.1:${port}/`));
  assert.equal(requests.stats().dropped, 12);
});

test("a name is asked of the resolver that the agent was told", async (t) => {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  t.after(() => socket.close());
  await once(socket, "listening");
  const { port } = socket.address();
  const asked = once(socket, "message");
  const requests = new Requests(
    { requestHosts: ["trap.example.org"], requestResolver: `127.0.0.1:${port}` },
    log,
  );
  requests.make(name("trap.example.org"));
  const [message, from] = (await asked) as [Buffer, { port: number; address: string }];
  assert.ok(message.includes("\x04trap\x07example\x03org"));
  const refused = Buffer.from(message);
  refused[2] = 0x81;
  refused[3] = 0x85; // an answer: refused
  socket.send(refused, from.port, from.address);
  await until(requests, ({ failed }) => failed === 1);
});
