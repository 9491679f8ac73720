import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import pino from "pino";
import { Lease } from "./lease.ts";
import { ManualClock } from "./manual-clock.ts";
import { aStatus, type Exchange, ScriptedServer } from "./testing/scripted-server.ts";

let server: ScriptedServer;
let clock: ManualClock;
let stop: AbortController;
let story: string[];
let run: Promise<void>;
beforeEach(async () => {
  server = await ScriptedServer.start();
  clock = new ManualClock();
  stop = new AbortController();
  story = [];
  const lease = new Lease({
    connection: server.connection(),
    name: "guardbee-operator",
    namespace: "guardbee-system",
    identity: "me",
    log: pino({ level: "silent" }),
    clock,
  });
  run = lease.run(async (signal) => {
    story.push("leading");
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    story.push(`ended: ${(signal.reason as Error).message}`);
  }, stop.signal);
});
afterEach(async () => {
  server.close();
  stop.abort();
  await clock.advance(60_000);
  await run;
});

const held = (holderIdentity: string, renewTime: string) => ({
  metadata: { name: "guardbee-operator", namespace: "guardbee-system", resourceVersion: "1" },
  spec: { holderIdentity, renewTime, leaseDurationSeconds: 15, leaseTransitions: 4 },
});

async function expect(method: string): Promise<Exchange> {
  const exchange = await server.next();
  assert.equal(exchange.method, method);
  return exchange;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits for the pause between two attempts, and ends it. */
async function nextAttempt(): Promise<void> {
  await until(() => clock.pending()[0] === 2000);
  await clock.advance(2000);
}

async function takeFree(): Promise<void> {
  (await expect("GET")).reply(404, aStatus(404, "NotFound", "none"));
  const created = await expect("POST");
  assert.deepEqual((created.body as { spec: unknown }).spec, {
    holderIdentity: "me",
    leaseDurationSeconds: 15,
    acquireTime: "2026-01-01T00:00:00.000000Z",
    renewTime: "2026-01-01T00:00:00.000000Z",
    leaseTransitions: 0,
  });
  created.reply(201, held("me", "0"));
  await until(() => story.includes("leading"));
}

test("a lease that does not exist is created and led", takeFree);

test("a lease of another is taken only when it did not change for its duration", async () => {
  for (let seconds = 0; seconds < 14; seconds += 2) {
    (await expect("GET")).reply(200, held("other", "1"));
    await nextAttempt();
  }
  (await expect("GET")).reply(200, held("other", "1"));
  await until(() => clock.pending()[0] === 1000); // 15 s after it was seen first, not 16
  assert.deepEqual(story, []);
  await clock.advance(1000);
  (await expect("GET")).reply(200, held("other", "1"));
  const put = await expect("PUT");
  assert.deepEqual(story, []);
  const { holderIdentity, leaseTransitions } = (put.body as { spec: Record<string, unknown> }).spec;
  assert.deepEqual([holderIdentity, leaseTransitions], ["me", 5]);
  put.reply(200, {});
  await until(() => story.length === 1);
});

test("a lease that its holder renews is not taken", async () => {
  for (let seconds = 0; seconds < 40; seconds += 2) {
    (await expect("GET")).reply(200, held("other", String(seconds)));
    await nextAttempt();
  }
  await expect("GET");
  assert.deepEqual(story, []);
});

test("the leader that sees another holder stops at once", async () => {
  await takeFree();
  await nextAttempt();
  (await expect("GET")).reply(200, held("other", "1"));
  await until(() => story.length === 2);
  assert.deepEqual(story, ["leading", "ended: the lease went to other"]);
});

test("a renewal that hangs ends the leading before others may take over", async () => {
  await takeFree();
  await nextAttempt();
  await expect("GET"); // never answered
  await clock.advance(8000);
  await until(() => clock.pending()[0] === 2000 || story.length === 2);
  assert.deepEqual(story, ["leading", "ended: the lease was not renewed for 10000 ms"]);
});

test("a slow first connection does not cost the lead that it won", async () => {
  const read = await expect("GET");
  await clock.advance(9000);
  read.reply(404, aStatus(404, "NotFound", "none"));
  (await expect("POST")).reply(201, held("me", "0"));
  await until(() => story.length === 1);
  await nextAttempt();
  (await expect("GET")).reply(200, held("me", "0"));
  (await expect("PUT")).reply(200, {});
  await nextAttempt();
  await expect("GET");
  assert.deepEqual(story, ["leading"]);
});

test("a conflict while renewing is tried again and keeps the lead", async () => {
  await takeFree();
  await nextAttempt();
  (await expect("GET")).reply(200, held("me", "0"));
  (await expect("PUT")).reply(409, aStatus(409, "Conflict", "changed"));
  await nextAttempt();
  (await expect("GET")).reply(200, held("me", "0"));
  (await expect("PUT")).reply(200, {});
  assert.deepEqual(story, ["leading"]);
});

test("stopping gives the lease back, so that the next leader need not wait", async () => {
  await takeFree();
  stop.abort(new Error("shutting down"));
  (await expect("GET")).reply(200, held("me", "0"));
  const put = await expect("PUT");
  const { holderIdentity } = (put.body as { spec: Record<string, unknown> }).spec;
  assert.equal(holderIdentity, "");
  put.reply(200, {});
  await run;
  assert.deepEqual(story, ["leading", "ended: shutting down"]);
});
