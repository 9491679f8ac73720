import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import pino from "pino";
import { serveHealth } from "./health.ts";
import { fuzzServer } from "./testing/fuzz-server.ts";

test("the health server answers /healthz whatever was sent before", async (t) => {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const metrics = { contentType: "text/plain", metrics: async () => "up 1\n" };
  const health = { alive: () => true, ready: () => false, metrics };
  const logged: string[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => logged.push(line) });
  const port = await serveHealth(health, { port: 0, host: "127.0.0.1", log }, stop.signal);
  const served = {
    paths: ["/healthz", "/readyz", "/metrics"],
    requests: fc.constant(Buffer.from("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")),
  };
  await fuzzServer({ port }, served, async () => {
    assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
  });
  assert.deepEqual(logged, []);
});
