import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import {
  applyObject,
  deleteObject,
  getObject,
  type KubeConnection,
  type KubeObject,
  resources,
} from "@guardbee/kube";
import pino from "pino";
import { type ApiServer, startApiServer, whyNoApiServer } from "../../kube/testing/api-server.ts";
import type { Bundle } from "./bundle.ts";
import { type BundleOwner, BundleStore } from "./store.ts";
import { encodeBundle } from "./stored-bundle.ts";

const never = new AbortController().signal;
const namespace = "guardbee-system";

const newOwner = (more: Partial<BundleOwner> = {}): BundleOwner => ({
  apiVersion: "guardbee.io/v1alpha1",
  kind: "RegoPolicy",
  name: "edge",
  uid: randomUUID(),
  ...more,
});

/** A bundle of about `bytes` that do not compress. */
const aBundle = (revision: string, bytes = 100): Bundle => ({
  revision,
  digest: `sha256:${"1".repeat(64)}`,
  modules: [{ path: "shop/policy.rego", text: "package shop\n" }],
  data: JSON.parse('{"shop":{"__proto__":{"é":[1,null]}}}'),
  wasm: { module: Uint8Array.from(randomBytes(bytes)), entryPoints: ["shop/paths"] },
  roots: ["shop"],
});

describe("bundles kept in a real API server", { skip: whyNoApiServer() }, () => {
  let api: ApiServer;
  let logged: { reason: string }[] = [];

  before(async () => {
    api = await startApiServer();
    const object = { metadata: { name: namespace } };
    const target = { resource: resources.namespace, object };
    await applyObject(api.connection, target, { fieldManager: "test" }, never);
  });
  after(() => api.stop());

  /** A store as a restarted operator has it: it knows nothing of what was. */
  function newStore(connection: KubeConnection = api.connection): BundleStore {
    logged = [];
    const sink = { write: (line: string) => void logged.push(JSON.parse(line)) };
    const log = pino({ base: null }, sink);
    return new BundleStore({ connection, namespace, fieldManager: "guardbee-operator", log });
  }

  async function kept(owner: BundleOwner): Promise<readonly KubeObject[]> {
    const query = { labelSelector: `guardbee.io/bundle-of=${owner.uid}` };
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const list = await api.connection.request<{ items: KubeObject[] }>({ path, query }, never);
    return list.items;
  }

  test("a bundle is there after a restart, and nothing is before", async () => {
    const owner = newOwner();
    const bundle = aBundle("r1");
    assert.equal(await newStore().load(owner, never), undefined);
    assert.deepEqual(logged, []);
    await newStore().save(owner, bundle, never);
    assert.deepEqual(await newStore().load(owner, never), bundle);
    const { wasm: _, roots: __, ...plain } = aBundle("r2");
    await newStore().save(owner, plain, never);
    assert.deepEqual(await newStore().load(owner, never), plain);
  });

  test("a large bundle is split, and a smaller one leaves nothing of it behind", async () => {
    const owner = newOwner();
    const large = aBundle("large", 2_000_000);
    await newStore().save(owner, large, never);
    const chunks = Math.ceil((await encodeBundle(large)).byteLength / (768 * 1024));
    assert.equal((await kept(owner)).length, 1 + chunks);
    assert.ok(chunks >= 3);
    assert.deepEqual(await newStore().load(owner, never), large);
    await newStore().save(owner, aBundle("small"), never);
    assert.equal((await kept(owner)).length, 2);
  });

  test("the bundle that is kept is not written again", async () => {
    const owner = newOwner();
    const bundle = aBundle("r1");
    await newStore().save(owner, bundle, never);
    const versions = async () =>
      (await kept(owner)).map(({ metadata }) => metadata.resourceVersion);
    const before = await versions();
    await newStore().save(owner, bundle, never);
    assert.deepEqual(await versions(), before);
  });

  test("an operator that dies while it writes leaves the last good bundle", async () => {
    const owner = newOwner();
    const good = aBundle("good");
    await newStore().save(owner, good, never);
    const dying: KubeConnection = {
      ...api.connection,
      request: (request, signal) => {
        if (request.method === "PATCH" && request.path.endsWith(owner.uid)) {
          return Promise.reject(new Error("killed before the index"));
        }
        return api.connection.request(request, signal);
      },
    };
    const next = aBundle("next", 1_000_000);
    await assert.rejects(newStore(dying).save(owner, next, never), {
      message: "killed before the index",
    });
    assert.equal((await kept(owner)).length, 4);
    assert.deepEqual(await newStore().load(owner, never), good);
    await newStore().save(owner, next, never);
    assert.deepEqual(await newStore().load(owner, never), next);
    assert.equal((await kept(owner)).length, 3);
  });

  const damages: readonly {
    name: string;
    damage: (owner: BundleOwner, chunk: string) => Promise<void>;
    want: (owner: BundleOwner, chunk: string, digest: string) => string;
  }[] = [
    {
      name: "a chunk is deleted",
      damage: (_, chunk) => remove(chunk),
      want: (_, chunk) => `${chunk} is missing`,
    },
    {
      name: "a chunk is another",
      damage: async (_, chunk) => {
        await remove(chunk);
        await write(chunk, { binaryData: { chunk: "AAAA" } });
      },
      want: (_, __, digest) => `is not ${digest}`,
    },
    {
      name: "the index says nothing",
      damage: ({ uid }) => write(`rego-bundle-${uid}`, { data: { digest: "x", chunks: "many" } }),
      want: ({ uid }) => `rego-bundle-${uid} is no index`,
    },
  ];
  async function remove(name: string): Promise<void> {
    await deleteObject(api.connection, resources.configMap, { name, namespace }, never);
  }
  async function write(name: string, content: object): Promise<void> {
    const object = { metadata: { name, namespace }, ...content };
    const options = { fieldManager: "vandal", force: true };
    await applyObject(api.connection, { resource: resources.configMap, object }, options, never);
  }
  for (const { name, damage, want } of damages) {
    test(`a bundle of which ${name} is not used, and why is logged`, async () => {
      const owner = newOwner();
      await newStore().save(owner, aBundle("r1"), never);
      const ref = { name: `rego-bundle-${owner.uid}`, namespace };
      const index = await getObject(api.connection, resources.configMap, ref, never);
      const { digest } = (index as KubeObject & { data: { digest: string } }).data;
      const chunk = `rego-bundle-${owner.uid}-${digest.slice(7, 23)}-0`;
      await damage(owner, chunk);
      assert.equal(await newStore().load(owner, never), undefined);
      assert.deepEqual(
        logged.map(({ reason }) => reason),
        [want(owner, chunk, digest)],
      );
    });
  }

  test("each policy has its own, listed by uid and removed alone", async () => {
    const [first, second] = [
      newOwner(),
      newOwner({ namespace: "shop", kind: "RegoPolicyNamespaced" }),
    ];
    await newStore().save(first, aBundle("first"), never);
    await newStore().save(second, aBundle("second"), never);
    const owners = await newStore().owners(never);
    assert.ok([first, second].every(({ uid }) => owners.includes(uid)));
    await newStore().remove(first, never);
    assert.deepEqual(await kept(first), []);
    assert.equal((await newStore().load(second, never))?.revision, "second");
    assert.ok(!(await newStore().owners(never)).includes(first.uid));
  });

  test("a cluster policy owns its ConfigMaps, one of another namespace does not", async () => {
    const cluster = newOwner();
    const namespaced = newOwner({ namespace: "shop", kind: "RegoPolicyNamespaced" });
    for (const owner of [cluster, namespaced]) await newStore().save(owner, aBundle("r1"), never);
    const { apiVersion, kind, name, uid } = cluster;
    for (const { metadata } of await kept(cluster)) {
      assert.deepEqual(metadata.ownerReferences, [{ apiVersion, kind, name, uid }]);
      assert.deepEqual(metadata.annotations, { "guardbee.io/policy": "RegoPolicy/edge" });
    }
    for (const { metadata } of await kept(namespaced)) {
      assert.equal(metadata.ownerReferences, undefined);
      assert.deepEqual(metadata.annotations, {
        "guardbee.io/policy": "RegoPolicyNamespaced/shop/edge",
      });
    }
  });
});
