import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import pino from "pino";
import { type Bundle, defaultLimits } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";
import type { Fetched } from "./fetch-bundle.ts";
import { BundlePoller, type BundlePollerOptions } from "./poller.ts";
import { afterPoll, delayMs, type PollerState, type PollResult } from "./poller-state.ts";

const log = pino({ level: "silent" });
const aBundle = (revision: string): Bundle => ({ revision, digest: "", modules: [], data: {} });
const down = (retryAfterMs?: number) =>
  new BundleError("Unreachable", "down", retryAfterMs === undefined ? {} : { retryAfterMs });

/** A poller whose source answers one after the other; `asked` are the etags it was asked with. */
function pollerOf(
  answers: readonly (Fetched | Error)[],
  options: Partial<BundlePollerOptions> = {},
) {
  const clock = new ManualClock();
  const results: PollResult[] = [];
  const asked: (string | undefined)[] = [];
  const stop = new AbortController();
  const poller = new BundlePoller({
    source: { kind: "http", url: "https://bundles.example/b" },
    limits: defaultLimits,
    intervalMs: 60_000,
    log,
    clock,
    random: () => 0.5,
    onResult: (result) => void results.push(result),
    fetch: async (_, { etag }) => {
      const answer = answers[asked.push(etag) - 1]!;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    ...options,
  });
  return { clock, results, asked, stop, poller, run: poller.run(stop.signal) };
}

test("a poller gives a bundle, then asks with its etag, and ends when aborted", async () => {
  const { clock, results, asked, stop, run } = pollerOf([
    { kind: "bundle", bundle: aBundle("r1"), etag: "1" },
    { kind: "unchanged", etag: "1" },
    { kind: "bundle", bundle: aBundle("r2"), etag: "2" },
    { kind: "bundle", bundle: aBundle("r3") },
    { kind: "bundle", bundle: aBundle("r4") },
  ]);
  for (let polls = 1; polls < 5; polls++) {
    await clock.asleep(1);
    assert.deepEqual(clock.pending(), [60_000]);
    await clock.advance(60_000);
  }
  assert.deepEqual(asked, [undefined, "1", "1", "2", undefined]);
  assert.deepEqual(
    results.map((result) => (result.kind === "bundle" ? result.bundle.revision : result.kind)),
    ["r1", "unchanged", "r2", "r3", "r4"],
  );
  stop.abort();
  await run;
});

test("a failure is given, retried sooner than the interval, and its end is given too", async () => {
  const { clock, results, asked, stop, poller, run } = pollerOf([
    { kind: "bundle", bundle: aBundle("r1"), etag: "1" },
    down(),
    down(),
    down(90_000),
    { kind: "unchanged", etag: "1" },
  ]);
  const waits = [];
  for (let polls = 1; polls < 5; polls++) {
    await clock.asleep(1);
    waits.push(...clock.pending());
    await clock.advance(waits.at(-1)!);
  }
  assert.deepEqual(waits, [60_000, 1_500, 3_000, 94_500]);
  assert.deepEqual(asked, [undefined, "1", "1", "1", "1"]);
  assert.deepEqual(
    results.map(({ kind }) => kind),
    ["bundle", "failed", "failed", "failed", "unchanged"],
  );
  assert.deepEqual(poller.state(), { kind: "polling", etag: "1" });
  stop.abort();
  await run;
});

test("a source that is pinned is asked until it has given its bundle", async () => {
  const digest = `sha256:${"0".repeat(64)}`;
  const pinned: readonly BundlePollerOptions["source"][] = [
    { kind: "http", url: "https://bundles.example/b", digest },
    { kind: "oci", reference: `registry.example/p@${digest}` },
    { kind: "oci", reference: "registry.example/p:v1", digest },
  ];
  for (const source of pinned) {
    const answers = [down(), { kind: "bundle" as const, bundle: aBundle("r1"), etag: "1" }];
    const { clock, results, run } = pollerOf(answers, { source });
    await clock.asleep(1);
    await clock.advance(1_500);
    await run;
    assert.deepEqual(
      results.map(({ kind }) => kind),
      ["failed", "bundle"],
    );
  }
});

test("what is no BundleError ends the poller, and so does a caller that throws", async () => {
  await assert.rejects(pollerOf([new TypeError("a bug")]).run, { message: "a bug" });
  const onResult = () => {
    throw new Error("no room");
  };
  await assert.rejects(pollerOf([down()], { onResult }).run, { message: "no room" });
});

test("an abort in the middle of a poll ends it without a result", async () => {
  const fetch = (_: unknown, { signal }: { signal: AbortSignal }) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  const { results, stop, run } = pollerOf([], { fetch: fetch as never });
  stop.abort();
  await run;
  assert.deepEqual(results, []);
});

test("the wait is spread around the interval, and after failures doubled up to a limit", () => {
  const failing = (failures: number, retryAfterMs?: number): PollerState => ({
    kind: "failing",
    failures,
    error: down(retryAfterMs),
  });
  const polling = afterPoll({ kind: "starting" }, { kind: "unchanged" });
  assert.deepEqual(
    [0, 0.999].map((random) => Math.round(delayMs(polling, 60_000, random))),
    [54_000, 65_988],
  );
  assert.deepEqual(
    [1, 2, 3, 8, 9, 5_000].map((failures) => delayMs(failing(failures), 60_000, 0)),
    [1_000, 2_000, 4_000, 128_000, 150_000, 150_000],
  );
  assert.equal(delayMs(failing(5_000), 3_600_000, 0), 1_800_000);
  assert.equal(delayMs(failing(1, 120_000), 60_000, 0), 120_000);
  assert.equal(delayMs(failing(9, 1_000), 60_000, 0), 150_000);
});
