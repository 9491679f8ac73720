import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeConnection } from "./connection.ts";
import { KubeError } from "./kube-error.ts";
import { ManualClock } from "./manual-clock.ts";
import { observeRequests } from "./observe-requests.ts";

const never = new AbortController().signal;

/** What the observer is told of one request that ends as `answer` does, after two seconds. */
async function told(answer: () => Promise<unknown>, signal = never): Promise<readonly unknown[]> {
  const clock = new ManualClock();
  const connection = {
    request: async () => {
      await clock.advance(2_000);
      return answer();
    },
  } as unknown as KubeConnection;
  const seen: unknown[] = [];
  const observed = observeRequests(connection, (request, how) => seen.push(request, how), clock);
  await observed.request({ path: "/api/v1/nodes" }, signal).catch(() => {});
  return seen;
}

test("an answer, a refusal and silence are told apart, with the time they took", async () => {
  const request = { path: "/api/v1/nodes" };
  const refusal = { status: 429, reason: "TooManyRequests", message: "wait" };
  assert.deepEqual(await told(async () => ({})), [request, { code: "ok", seconds: 2 }]);
  assert.deepEqual(await told(() => Promise.reject(new KubeError("GET /", refusal))), [
    request,
    { code: 429, seconds: 2 },
  ]);
  assert.deepEqual(await told(() => Promise.reject(new Error("ECONNRESET"))), [
    request,
    { code: "failed", seconds: 2 },
  ]);
});

test("a request that was given up is not told", async () => {
  const stop = AbortSignal.abort(new Error("enough"));
  assert.deepEqual(await told(() => Promise.reject(stop.reason), stop), []);
});
