import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import pino from "pino";
import { ManualClock } from "./manual-clock.ts";
import { Reflector, type ReflectorOptions } from "./reflector.ts";
import { type KubeObject, resources } from "./resource.ts";
import { aStatus, ScriptedServer } from "./testing/scripted-server.ts";

const log = pino({ level: "silent" });
let server: ScriptedServer;
let clock: ManualClock;
let stop: AbortController;
let changes: string[];
let run: Promise<void>;

beforeEach(async () => {
  server = await ScriptedServer.start();
  clock = new ManualClock();
  stop = new AbortController();
  changes = [];
});
afterEach(async () => {
  stop.abort();
  await run;
  server.close();
});

/** A running reflector of nodes that keeps each node's label `v`. */
function aReflector(options: Partial<ReflectorOptions<string>> = {}): Reflector<string> {
  const reflector = new Reflector<string>({
    connection: server.connection(),
    resource: resources.node,
    project: (object) => object.metadata.labels?.v ?? "",
    onChange: (change) => {
      changes.push(`${change.type} ${change.key} ${change.type === "set" ? change.value : ""}`);
    },
    log,
    clock,
    random: () => 0,
    ...options,
  });
  run = reflector.run(stop.signal);
  return reflector;
}

function aNode(name: string, resourceVersion: string, v = "1"): KubeObject {
  return { metadata: { name, resourceVersion, labels: { v } } };
}

async function answerList(resourceVersion: string, ...items: KubeObject[]): Promise<void> {
  const list = await server.next();
  assert.equal(list.query.get("watch"), null, "is a list");
  list.reply(200, { metadata: { resourceVersion }, items });
}

async function answerWatch(from: string) {
  const watch = await server.next();
  assert.equal(watch.query.get("watch"), "true");
  assert.equal(watch.query.get("resourceVersion"), from);
  return watch.stream();
}

/** Waits until the change that a line causes is visible. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test("an object that cannot be read keeps no other from being read, and its last version stays", async () => {
  const project = ({ metadata: { labels } }: KubeObject) => {
    if (labels?.v === "poison") throw new Error("poison");
    return labels?.v ?? "";
  };
  const reflector = aReflector({ project });
  await answerList("5", aNode("a", "1"), aNode("p", "2", "poison"), aNode("b", "3"));
  const watch = await answerWatch("5");
  watch.line({ type: "MODIFIED", object: aNode("a", "6", "poison") });
  watch.line({ type: "MODIFIED", object: aNode("b", "7", "2") });
  await until(() => changes.length === 3);
  assert.deepEqual(reflector.list(), ["1", "2"]);
  assert.deepEqual(changes, ["set a 1", "set b 1", "set b 2"]);
});

test("a list of nothing may have null for its items", async () => {
  const reflector = aReflector({ metadataOnly: true });
  const list = await server.next();
  list.reply(200, { metadata: { resourceVersion: "7" }, items: null });
  await reflector.synced;
  await answerWatch("7");
  assert.deepEqual(changes, []);
});

test("it lists page by page, then watches from the version of the list", async () => {
  const reflector = aReflector({ pageSize: 1, fieldSelector: "metadata.name=a" });
  const first = await server.next();
  assert.equal(first.query.toString(), "fieldSelector=metadata.name%3Da&limit=1");
  first.reply(200, { metadata: { resourceVersion: "7", continue: "t" }, items: [aNode("a", "1")] });
  const second = await server.next();
  assert.equal(second.query.get("continue"), "t");
  second.reply(200, { metadata: { resourceVersion: "7" }, items: [aNode("b", "2")] });
  await reflector.synced;
  const watch = await server.next();
  assert.equal(
    watch.query.toString(),
    "fieldSelector=metadata.name%3Da&watch=true&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds=300",
  );
  const stream = watch.stream();
  stream.line({ type: "MODIFIED", object: aNode("a", "8", "2") });
  stream.line({ type: "DELETED", object: aNode("b", "9") });
  await until(() => changes.length === 4);
  assert.deepEqual(changes, ["set a 1", "set b 1", "set a 2", "deleted b "]);
  assert.deepEqual(reflector.list(), ["2"]);
});

test("metadata-only asks for PartialObjectMetadata", async () => {
  aReflector({ metadataOnly: true });
  const list = await server.next();
  const form = "g=meta.k8s.io;v=v1";
  assert.equal(list.headers.accept, `application/json;as=PartialObjectMetadataList;${form}`);
  list.reply(200, { metadata: { resourceVersion: "1" }, items: [] });
  const watch = await server.next();
  assert.equal(watch.headers.accept, `application/json;as=PartialObjectMetadata;${form}`);
});

test("a watch that ends goes on from the last bookmark", async () => {
  aReflector();
  await answerList("7", aNode("a", "1"));
  const stream = await answerWatch("7");
  stream.line({ type: "BOOKMARK", object: { metadata: { resourceVersion: "50" } } });
  stream.end();
  await answerWatch("50");
});

test("a connection that drops in mid-watch goes on from the last event after a delay", async () => {
  aReflector();
  await answerList("7");
  const stream = await answerWatch("7");
  stream.line({ type: "ADDED", object: aNode("a", "8") });
  await until(() => changes.length === 1);
  stream.drop();
  await clock.asleep(1);
  await until(() => clock.pending()[0] === 250);
  await clock.advance(250);
  await answerWatch("8");
});

test("410 in mid-watch lists again and reports only what differs", async () => {
  const reflector = aReflector();
  await answerList("7", aNode("a", "1"), aNode("b", "2"));
  const stream = await answerWatch("7");
  stream.line({ type: "ADDED", object: aNode("c", "8") });
  stream.line({ type: "ERROR", object: aStatus(410, "Expired", "too old resource version") });
  await answerList("90", aNode("a", "1"), aNode("c", "80", "2"));
  await answerWatch("90");
  assert.deepEqual(changes.slice(3), ["set c 2", "deleted b "]);
  assert.deepEqual(reflector.keys(), ["a", "c"]);
});

test("429 waits as long as the server says", async () => {
  aReflector();
  (await server.next()).reply(429, aStatus(429, "TooManyRequests", "wait"), { "retry-after": "5" });
  await until(() => clock.pending()[0] === 5000);
  await clock.advance(5000);
  await answerList("7");
});

test("a watch that says nothing for 90 s is given up and renewed", async () => {
  aReflector();
  await answerList("7");
  await answerWatch("7");
  await until(() => clock.pending()[0] === 90_000);
  await clock.advance(90_000);
  await answerWatch("7");
});

test("garbage in a watch goes on from the last good event", async () => {
  aReflector();
  await answerList("7");
  const stream = await answerWatch("7");
  stream.line({ type: "ADDED", object: aNode("a", "8") });
  stream.raw("<html>\n");
  await until(() => clock.pending()[0] === 250);
  await clock.advance(250);
  await answerWatch("8");
});

test("run returns when aborted, and the snapshot stays readable", async () => {
  const reflector = aReflector();
  await answerList("7", aNode("a", "1"));
  await answerWatch("7");
  stop.abort();
  await run;
  assert.equal(reflector.get("a"), "1");
});
