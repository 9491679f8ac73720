import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import pino from "pino";
import { parseMetricsServer, serveOwnHealth } from "./serve-health.ts";

const addresses = [
  ["", undefined],
  [":2112", { port: 2112 }],
  ["localhost:2112", { port: 2112, host: "localhost" }],
  ["0.0.0.0:2112", { port: 2112, host: "0.0.0.0" }],
  ["[::1]:2112", { port: 2112, host: "::1" }],
  ...["2112", "localhost", ":70000", "/run/metrics.sock", "http://localhost:2112"].map(
    (text) => [text, { wrong: `--metrics-server is ${text}; write HOST:PORT` }] as const,
  ),
] as const;
for (const [text, want] of addresses) {
  test(`--metrics-server ${text || "that is empty"} is ${want === undefined ? "none" : JSON.stringify(want)}`, () => {
    assert.deepEqual(parseMetricsServer(text), want);
  });
}

const health = {
  ...{ alive: () => true, ready: () => false },
  metrics: { contentType: "text/plain", metrics: async () => "guardbee_x 1\n" },
};

/** A port that nobody has, and one that somebody has until the test ends. */
async function ports(t: { after(done: () => void): void }): Promise<readonly [number, number]> {
  const [free, taken] = [createServer(), createServer()];
  for (const one of [free, taken]) await once(one.listen(0, "127.0.0.1"), "listening");
  t.after(() => taken.close());
  const numbers = [free, taken].map((one) => (one.address() as { port: number }).port);
  await once(free.close(), "close");
  return [numbers[0]!, numbers[1]!];
}

test("metrics alone are at --metrics-server, everything at --health-port", async (t) => {
  const [[metrics], [own]] = [await ports(t), await ports(t)];
  const stop = new AbortController();
  t.after(() => stop.abort());
  const flags = { metricsServer: `127.0.0.1:${metrics}`, healthPort: own };
  const log = pino({ level: "silent" });
  assert.equal(await serveOwnHealth(flags, { ...health, log }, stop.signal), true);
  const get = async (port: number, path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return [answer.status, await answer.text()];
  };
  assert.deepEqual(await get(metrics, "/metrics"), [200, "guardbee_x 1\n"]);
  assert.equal((await get(metrics, "/readyz"))[0], 404);
  assert.deepEqual(await get(own, "/metrics"), [200, "guardbee_x 1\n"]);
  assert.deepEqual(await get(own, "/readyz"), [503, "/readyz: 503\n"]);
});

for (const flag of ["metrics-server", "health-port"] as const) {
  test(`a port of --${flag} that another has is said`, async (t) => {
    const [, taken] = await ports(t);
    const lines: string[] = [];
    const log = pino({}, { write: (line) => lines.push(JSON.parse(line).msg) });
    const flags =
      flag === "health-port"
        ? { metricsServer: "", healthPort: taken }
        : { metricsServer: `127.0.0.1:${taken}`, healthPort: undefined };
    const { signal } = new AbortController();
    assert.equal(await serveOwnHealth(flags, { ...health, log }, signal), false);
    assert.deepEqual(lines, [`cannot listen; set --${flag} to a free one`]);
  });
}
