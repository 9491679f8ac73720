import assert from "node:assert/strict";
import { test } from "node:test";
import { untilAborted } from "./until-aborted.ts";

test("work that rejects with the reason of the abort has ended normally", async () => {
  const stop = new AbortController();
  const ended = untilAborted(stop.signal, (signal) => {
    stop.abort();
    return Promise.reject(signal.reason);
  });
  assert.equal(await ended, undefined);
});

test("any other rejection goes on, aborted or not", async () => {
  const stop = new AbortController();
  const broken = new Error("broken");
  const work = () => untilAborted(stop.signal, () => Promise.reject(broken));
  await assert.rejects(work(), broken);
  stop.abort();
  await assert.rejects(work(), broken);
});

test("undefined is an error like any other while nothing is aborted", async () => {
  const ended = untilAborted(new AbortController().signal, () => Promise.reject(undefined));
  assert.deepEqual(await Promise.allSettled([ended]), [{ status: "rejected", reason: undefined }]);
});
