import assert from "node:assert/strict";
import { test } from "node:test";
import pino from "pino";
import { serveHealth } from "./health.ts";
import { openTo } from "./testing/raw-http.ts";

const listen = { port: 0, host: "127.0.0.1", log: pino({ level: "silent" }) };

test("healthz and readyz answer for themselves, anything else is not found", async () => {
  const stop = new AbortController();
  let ready = false;
  const health = { alive: () => true, ready: () => ready };
  const port = await serveHealth(health, listen, stop.signal);
  const status = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
  assert.deepEqual([await status("/healthz"), await status("/readyz")], [200, 503]);
  ready = true;
  assert.deepEqual([await status("/readyz"), await status("/")], [200, 404]);
  assert.equal(await status("/metrics"), 404);
  stop.abort();
});

test("metrics are served as the registry gives them, and a 500 when they cannot be read", async () => {
  const stop = new AbortController();
  let text = async () => "up 1\n";
  const metrics = {
    contentType: "text/plain; version=0.0.4",
    read: () => text(),
    metrics() {
      return this.read();
    },
  };
  const health = { alive: () => true, ready: () => true, metrics };
  const port = await serveHealth(health, listen, stop.signal);
  const get = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    return [response.status, response.headers.get("content-type"), await response.text()];
  };
  assert.deepEqual(await get(), [200, "text/plain; version=0.0.4", "up 1\n"]);
  text = () => Promise.reject(new Error("broken"));
  assert.deepEqual(await get(), [500, "text/plain", "cannot be answered; see the log\n"]);
  stop.abort();
});

test("a probe is answered beside scrapes of the same address that take for ever", async (t) => {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const asked = Promise.withResolvers<void>();
  const metrics = {
    contentType: "text/plain",
    metrics: () => {
      asked.resolve();
      return new Promise<string>(() => {});
    },
  };
  const health = { alive: () => true, ready: () => true, metrics };
  const port = await serveHealth(health, listen, stop.signal);
  const scrapes = Array.from({ length: 40 }, () => openTo({ port }));
  for (const scrape of scrapes) scrape.write("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n");
  await asked.promise;
  assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
  for (const scrape of scrapes) scrape.destroy();
});
