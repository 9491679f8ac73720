import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { ManualClock, systemClock } from "@guardbee/kube";
import { defaultLimits } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";
import { type OpenRequest, openBundle } from "./open-bundle.ts";
import { openInWorker } from "./open-in-worker.ts";
import { soundEntries, tarballOf } from "./testing/tarball.ts";

const never = new AbortController().signal;
const soon = { clock: systemClock, ms: 60_000 };

function requestOf(tarball: Uint8Array): OpenRequest {
  return { content: { kind: "tarball", tarball }, digest: "sha256:x", limits: defaultLimits };
}

test("a thread gives what openBundle does, keys of any name and compiled modules included", async () => {
  const tarball = await tarballOf(
    soundEntries(
      { name: "/policy.wasm", content: Uint8Array.of(0, 97, 115, 109) },
      { name: "/shop/more/data.json", content: '{"__proto__":{"a":[1,null,"é"]}}' },
    ),
  );
  const bundle = await openInWorker(requestOf(tarball), soon, never);
  assert.deepEqual(bundle, await openBundle(requestOf(tarball)));
  assert.deepEqual(bundle.wasm, { module: Uint8Array.of(0, 97, 115, 109), entryPoints: [] });
});

test("a thread refuses as openBundle does", async () => {
  const tarball = gzipSync("garbage");
  const want = await openBundle(requestOf(tarball)).catch((error: BundleError) => error);
  assert.ok(want instanceof BundleError);
  const { name, reason, message } = want;
  await assert.rejects(openInWorker(requestOf(tarball), soon, never), { name, reason, message });
});

test("a bundle that takes too long is given up", async () => {
  const clock = new ManualClock();
  const tarball = await tarballOf(soundEntries());
  const failure = openInWorker(requestOf(tarball), { clock, ms: 5_000 }, never).catch(
    (error) => error,
  );
  await clock.asleep(1);
  await clock.advance(5_000); // a thread is not up within one turn of the event loop
  const { reason, message } = await failure;
  assert.deepEqual(
    [reason, message],
    [
      "TooLarge",
      "bundle: takes more than 5000 ms to unpack; leave out what the policy does not need, write YAML as JSON",
    ],
  );
});

test("an abort rejects with its reason", async () => {
  const stop = new AbortController();
  const opened = openInWorker(requestOf(await tarballOf(soundEntries())), soon, stop.signal);
  stop.abort("stopping");
  await assert.rejects(opened, (error) => error === "stopping");
});
