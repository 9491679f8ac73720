import assert from "node:assert/strict";
import { test } from "node:test";
import { serveHealth } from "./health.ts";

test("healthz and readyz answer for themselves, anything else is not found", async () => {
  const stop = new AbortController();
  let ready = false;
  const health = { alive: () => true, ready: () => ready };
  const port = await serveHealth(health, { port: 0, host: "127.0.0.1" }, stop.signal);
  const status = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
  assert.deepEqual([await status("/healthz"), await status("/readyz")], [200, 503]);
  ready = true;
  assert.deepEqual([await status("/readyz"), await status("/")], [200, 404]);
  stop.abort();
});
