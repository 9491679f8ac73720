import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { test } from "node:test";
import { type KubeConnection, ManualClock } from "@guardbee/kube";
import { type RegoPolicy, resourceOf } from "@guardbee/policy";
import pino from "pino";
import { contentDigest } from "../bundle/content-digest.ts";
import { soundEntries, tarballOf } from "../bundle/testing/tarball.ts";
import { hostsOfTest, startWebServer } from "../bundle/testing/web-server.ts";
import type { PolicyEntry } from "../fleet/objects.ts";
import { Bundles } from "./bundles.ts";

const tarball = await tarballOf(soundEntries());
const never = new AbortController().signal;
const policyEntry = {
  setName: "regopolicy.edge",
  uid: "u1",
  resource: resourceOf("RegoPolicy"),
  object: { metadata: { name: "edge" } },
} as unknown as PolicyEntry;

/** Bundles of one policy whose server answers as `handle` does, asked with `get`. */
async function bundlesOf(t: { after(end: () => unknown): void }, handle: RequestListener) {
  const server = await startWebServer(handle);
  const clock = new ManualClock();
  const changed: string[] = [];
  const heard = Promise.withResolvers<void>();
  const bundles = new Bundles({
    connection: {} as KubeConnection, // an HTTP source without credentials has no use for it
    ownNamespace: "guardbee-system",
    bundleHosts: hostsOfTest,
    namespacedBundleHosts: [],
    regoChanged: (name) => {
      changed.push(name);
      heard.resolve();
    },
    random: () => 0,
    clock,
    log: pino({ level: "silent" }),
  });
  t.after(async () => {
    bundles.close();
    await server.close();
  });
  return {
    ...{ server, clock, changed, heard: heard.promise, bundles },
    async get(spec: object = {}, path = "/b", annotations = {}) {
      const bundle = { http: { url: `${server.origin}${path}` }, pollInterval: "1m", ...spec };
      const metadata = { name: "edge", annotations };
      const policy = { kind: "RegoPolicy", metadata, spec: { bundle } } as unknown as RegoPolicy;
      const found = await bundles.get(policyEntry, policy, never);
      return found.bundle?.revision ?? found.error?.message;
    },
    dueInMs: () => bundles.dueInMs(policyEntry.setName),
  };
}

const give: RequestListener = (request, response) => {
  const known = request.headers["if-none-match"] === '"v1"';
  response.writeHead(known ? 304 : 200, { etag: '"v1"' }).end(known ? undefined : tarball);
};

test("a source is asked again after its interval, with the etag of what is in hand", async (t) => {
  const { get, dueInMs, clock, server } = await bundlesOf(t, give);
  assert.equal(await get(), "r1");
  assert.equal(dueInMs(), 54_000);
  await clock.advance(53_999);
  assert.equal(await get(), "r1");
  assert.equal(server.requests.length, 1);
  await clock.advance(1);
  assert.equal(await get(), "r1");
  assert.deepEqual(
    server.requests.map(({ headers }) => headers["if-none-match"]),
    [undefined, '"v1"'],
  );
});

test("a source that fails is asked soon, then ever later, and what came before stays", async (t) => {
  let down = false;
  const { get, dueInMs, clock } = await bundlesOf(t, (request, response) =>
    down ? response.writeHead(503).end() : give(request, response),
  );
  assert.equal(await get(), "r1");
  down = true;
  const waits = [];
  for (let polls = 0; polls < 4; polls++) {
    await clock.advance(dueInMs());
    assert.equal(await get(), "r1");
    waits.push(dueInMs());
  }
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000]);
  down = false;
  await clock.advance(8_000);
  assert.equal(await get(), "r1");
  assert.equal(dueInMs(), 54_000);
});

test("a source that is pinned is asked until it has given its bundle", async (t) => {
  let down = true;
  const { get, dueInMs, clock } = await bundlesOf(t, (request, response) =>
    down ? response.writeHead(503).end() : give(request, response),
  );
  const pinned = { digest: contentDigest(tarball) };
  assert.match((await get(pinned)) ?? "", /answers 503/);
  assert.equal(dueInMs(), 1_000);
  down = false;
  await clock.advance(1_000);
  assert.equal(await get(pinned), "r1");
  assert.equal(dueInMs(), Number.POSITIVE_INFINITY);
});

test("what came from one source does not stand in for another", async (t) => {
  const { get } = await bundlesOf(t, (request, response) =>
    request.url === "/b" ? give(request, response) : response.writeHead(404).end(),
  );
  assert.equal(await get(), "r1");
  assert.match((await get({}, "/other")) ?? "", /\/other: answers 404; check the address$/);
});

test("a slow source holds up its caller for 2 s, and says when it has come after all", async (t) => {
  const asked = Promise.withResolvers<() => void>();
  const { get, dueInMs, clock, changed, heard, bundles, server } = await bundlesOf(
    t,
    (request, response) => asked.resolve(() => give(request, response)),
  );
  const before = bundles.versionOf(policyEntry.setName);
  const first = get();
  const answer = await asked.promise;
  await clock.advance(2_000);
  const waiting = "bundle: has not come within 2000 ms; it is still waited for";
  assert.equal(await first, waiting);
  assert.equal(await get(), waiting, "at once");
  assert.equal(dueInMs(), Number.POSITIVE_INFINITY);
  const late = bundles.versionOf(policyEntry.setName);
  assert.deepEqual(changed, []);
  answer();
  await heard;
  assert.deepEqual(changed, ["regopolicy.edge"]);
  assert.equal(await get(), "r1");
  assert.equal(server.requests.length, 1);
  assert.equal(new Set([before, late, bundles.versionOf(policyEntry.setName)]).size, 3);
});

test("a bundle below the minimal revision, or in another form, is not used", async (t) => {
  const { get } = await bundlesOf(t, give);
  assert.equal(await get({ minRevision: "r1" }), "r1");
  assert.equal(
    await get({ minRevision: "r2" }),
    'bundle: its revision "r1" is older than spec.bundle.minRevision "r2"; build it with opa build --revision, in the same form',
  );
  assert.match((await get({ minRevision: "v1" })) ?? "", /"r1" cannot be compared with .* "v1"; /);
});

test("a bundle that is to be forgotten is not used, though it was fetched before", async (t) => {
  const { get, server } = await bundlesOf(t, give);
  assert.equal(await get(), "r1");
  const digest = contentDigest(tarball);
  const forget = { "guardbee.io/forget-bundle": digest };
  assert.equal(
    await get({}, "/b", forget),
    `bundle: ${digest} is the one that guardbee.io/forget-bundle names; ship another, or remove the annotation`,
  );
  assert.equal(
    await get({}, "/b", { "guardbee.io/forget-bundle": `sha256:${"0".repeat(64)}` }),
    "r1",
  );
  assert.equal(server.requests.length, 1);
});
