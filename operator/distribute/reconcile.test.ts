import assert from "node:assert/strict";
import { test } from "node:test";
import { after, done, type KubeConnection, ManualClock } from "@guardbee/kube";
import type { Fleet } from "../fleet/fleet.ts";
import { NodePace, reconcileNode } from "./reconcile.ts";

const never = new AbortController().signal;

/** A node that is to hold `sets`, and an API server that takes every write. */
function aNode(sets: string[]) {
  const node = { name: "a", uid: "u", labels: {}, ready: true, kernel: "6.1", arch: "amd64" };
  const known: Partial<Fleet> = {
    node: (name) => (name === "a" ? node : undefined),
    nodeSets: () => undefined,
    setsFor: () => [...sets],
  };
  const written: unknown[] = [];
  const connection: Partial<KubeConnection> = {
    request: async <T>({ body }: { readonly body?: unknown }) => {
      written.push((body as { spec: unknown }).spec);
      return {} as T;
    },
  };
  return { fleet: known as Fleet, connection: connection as KubeConnection, written };
}

test("a node's first change is written at once, and those of the next two seconds together", async () => {
  const clock = new ManualClock();
  const sets: string[] = ["a"];
  const { fleet, connection, written } = aNode(sets);
  const deps = { fleet, connection, pace: new NodePace(clock, 2_000) };
  const reconcile = () => reconcileNode("a", deps, never);
  assert.deepEqual(await reconcile(), done);
  await clock.advance(500);
  sets.push("b");
  assert.deepEqual(await reconcile(), after(1_500));
  await clock.advance(1_000);
  sets.push("c");
  assert.deepEqual(await reconcile(), after(500));
  await clock.advance(500);
  assert.deepEqual(await reconcile(), done);
  assert.deepEqual(written, [{ sets: ["a"] }, { sets: ["a", "b", "c"] }]);
});
