import assert from "node:assert/strict";
import { mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { resources } from "@guardbee/kube";
import {
  aSet,
  aWorld,
  list,
  NODE,
  pass,
  putSet,
  start,
  status,
  UID,
  until,
  type World,
} from "./test-node.ts";

const LATE = UID.replace(/^./, "f");
const web = { matchLabels: { app: "web" } };
const shop = { kind: "TracingPolicyNamespaced", namespace: "web", name: "shop" } as const;

function putPod({ api, cgroups }: World, uid: string): string {
  const folder = join(cgroups, `kubepods/besteffort/pod${uid}`);
  mkdirSync(folder);
  const metadata = { namespace: "web", name: `pod-${uid[0]}`, uid, labels: { app: "web" } };
  api.put(resources.pod, { metadata, spec: { nodeName: NODE, containers: [{ name: "app" }] } });
  return folder;
}

function putSets(world: World): void {
  putSet(
    world,
    "asks",
    aSet("asks", { scope: { host: false, pods: { labels: web, unknown: "Deny" } } }),
  );
  putSet(world, "labels", aSet("labels", { scope: { host: false, pods: { labels: web } } }));
  putSet(
    world,
    "other",
    aSet("other", { scope: { host: false, pods: { labels: { matchLabels: { app: "db" } } } } }),
  );
  const pods = { namespaces: ["web"], unknown: "Deny" } as const;
  putSet(world, "shop", aSet("shop", { policy: shop, scope: { host: false, pods } }));
  putSet(world, "every", aSet("every"));
  list(world, "asks", "every", "labels", "other", "shop");
}

const late = [
  { set: "labels", pods: 1 },
  { set: "shop", pods: 1 },
];

test("pods that came while no agent ran are counted while they are there, by the sets that missed their start", async (t) => {
  const world = aWorld(t);
  putSets(world);
  const before = putPod(world, UID);
  const first = await start(world);
  await until(world, "a report", () => status(world).digest !== undefined);
  await pass(world, 3_000); // the disk has the pod
  assert.equal(
    status(world).latePods,
    undefined,
    "the first agent finds what was there before policies",
  );
  await first.stop();
  const folder = putPod(world, LATE);
  await start(world);
  await until(world, "a report", () => status(world).latePods !== undefined);
  assert.deepEqual(status(world).late, late);
  assert.equal(status(world).latePods, 1);
  putPod(world, UID.replace(/^./, "e"));
  await pass(world, 20_000);
  assert.equal(status(world).latePods, 1, "an agent runs");
  rmSync(folder, { recursive: true });
  world.api.remove(resources.pod, { namespace: "web", name: `pod-${LATE[0]}` });
  await until(world, "its end", () => status(world).latePods === undefined);
  assert.equal(status(world).late, undefined);
  assert.ok(before);
});

test("a pod that the kernel has from an earlier agent is not late, whatever the disk says", async (t) => {
  const world = aWorld(t);
  putSets(world);
  const folder = putPod(world, UID);
  putPod(world, LATE);
  world.engine.before = new Set([statSync(folder, { bigint: true }).ino]);
  await start(world);
  await until(world, "a report", () => status(world).latePods !== undefined);
  assert.equal(status(world).latePods, 1);
  assert.deepEqual(status(world).late, late);
});
