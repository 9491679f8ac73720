import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import pino from "pino";
import { Lease } from "./lease.ts";
import { applyObject, deleteObject } from "./objects.ts";
import { observeRequests } from "./observe-requests.ts";
import { Reflector, type ReflectorOptions } from "./reflector.ts";
import { type KubeObject, resources } from "./resource.ts";
import { type ApiServer, startApiServer, whyNoApiServer } from "./testing/api-server.ts";

const log = pino({ level: process.env.LOG_LEVEL ?? "silent" });
const never = new AbortController().signal;
const namespace = "default";

describe("kube against a real API server", { skip: whyNoApiServer() }, () => {
  let api: ApiServer;
  let stop: AbortController;
  let runs: Promise<void>[];
  before(async () => {
    api = await startApiServer();
  });
  after(() => api?.stop());
  beforeEach(() => {
    stop = new AbortController();
    runs = [];
  });
  afterEach(async () => {
    stop.abort();
    await Promise.all(runs);
  });

  async function write(name: string, v: string, labels = {}): Promise<void> {
    const object = { metadata: { name, namespace, labels }, data: { v } };
    await applyObject(
      api.connection,
      { resource: resources.configMap, object },
      { fieldManager: "test" },
      never,
    );
  }

  function aReflector(options: Partial<ReflectorOptions<string>> = {}): Reflector<string> {
    const reflector = new Reflector<string>({
      connection: api.connection,
      resource: resources.configMap,
      namespace,
      labelSelector: "test=yes",
      project: dataOf,
      log,
      ...options,
    });
    runs.push(reflector.run(stop.signal));
    return reflector;
  }

  function shows(reflector: Reflector<string>, want: readonly string[]): Promise<void> {
    return eventually(() => [...reflector.list()].sort().join(), [...want].sort().join());
  }

  test("lists over many pages, by selector, and follows what comes after", async () => {
    const labels = { test: "yes" };
    for (let i = 0; i < 23; i++) await write(`page-${i}`, `p${i}`, labels);
    await write("other", "not this");
    const reflector = aReflector({ pageSize: 5 });
    await reflector.synced;
    const all = Array.from({ length: 23 }, (_, i) => `p${i}`);
    await shows(reflector, all);
    await write("page-0", "changed", labels);
    await deleteObject(api.connection, resources.configMap, { name: "page-1", namespace }, never);
    await write("page-2", "unlabelled");
    await shows(reflector, ["changed", ...all.slice(3)]);
    for (let i = 0; i < 23; i++) {
      await deleteObject(
        api.connection,
        resources.configMap,
        { name: `page-${i}`, namespace },
        never,
      );
    }
    await shows(reflector, []);
  });

  test("metadata alone, when asked for", async () => {
    await write("meta", "secret", { test: "yes" });
    const seen: KubeObject[] = [];
    const project = (object: KubeObject) => {
      seen.push(object);
      return object.metadata.name;
    };
    const reflector = aReflector({ metadataOnly: true, project });
    await reflector.synced;
    await write("meta", "changed", { test: "yes" });
    await eventually(() => String(seen.length), "2");
    assert.deepEqual(
      seen.map((object) => [object.metadata.name, "data" in object]),
      [
        ["meta", false],
        ["meta", false],
      ],
    );
    await deleteObject(api.connection, resources.configMap, { name: "meta", namespace }, never);
    await shows(reflector, []);
  });

  test("a server that goes away and comes back is followed again, nothing is lost", async () => {
    await write("a", "1", { test: "yes" });
    const reflector = aReflector();
    await reflector.synced;
    await shows(reflector, ["1"]);
    await api.restart();
    await write("b", "2", { test: "yes" });
    await deleteObject(api.connection, resources.configMap, { name: "a", namespace }, never);
    await shows(reflector, ["2"]);
    await deleteObject(api.connection, resources.configMap, { name: "b", namespace }, never);
  });

  test("etcd is compacted below the version of a watch: it lists again", async () => {
    await write("a", "1", { test: "yes" });
    const changes: string[] = [];
    const reflector = aReflector({ onChange: (change) => changes.push(change.key) });
    await reflector.synced;
    await api.compact();
    await api.restart(); // its watch cache starts after the compaction
    await write("a", "2", { test: "yes" });
    await shows(reflector, ["2"]);
    assert.deepEqual(changes, ["default/a", "default/a"]);
    await deleteObject(api.connection, resources.configMap, { name: "a", namespace }, never);
  });

  test("of two candidates one leads; when it stops, the other does", async () => {
    const story: string[] = [];
    const reads: string[] = [];
    const candidate = (identity: string) => {
      const ends = new AbortController();
      const lease = new Lease({
        connection: observeRequests(api.connection, () => reads.push(identity)),
        name: "test",
        namespace,
        identity,
        log,
        retryMs: 200,
      });
      runs.push(
        lease.run(
          async (signal) => {
            story.push(`${identity} leads`);
            await new Promise((resolve) => signal.addEventListener("abort", resolve));
            story.push(`${identity} stops`);
          },
          AbortSignal.any([stop.signal, ends.signal]),
        ),
      );
      return ends;
    };
    const first = candidate("one");
    await eventually(() => story.join(), "one leads");
    candidate("two");
    const attempts = () => reads.filter((identity) => identity === "two").length;
    await eventually(() => String(attempts() >= 5), "true");
    assert.equal(story.join(), "one leads");
    first.abort();
    await eventually(() => story.join(), "one leads,one stops,two leads");
  });
});

function dataOf(object: KubeObject): string {
  return (object as { data?: { v?: string } }).data?.v ?? "";
}

async function eventually(look: () => string, want: string): Promise<void> {
  for (let tries = 0; tries < 300 && look() !== want; tries++) await sleep(100);
  assert.equal(look(), want);
}
