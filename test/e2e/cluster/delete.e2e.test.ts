import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { nodeNames, openFleet, pilotOn } from "./fleet.ts";
import { bareNodes, kernelBecomes, kernelObjects, tracking } from "./kernel-objects.ts";
import { applyReady, deletePolicy, denyWrites, denyWritesRef } from "./policies.ts";
import { writeIn, writesBecome } from "./writes.ts";

await openFleet();
const nodes = nodeNames();

test("deleting a policy ends its enforcement on every node, and nothing of it stays", async () => {
  await bareNodes(nodes);
  const before = await Promise.all(nodes.map(kernelObjects));
  await applyReady(denyWritesRef, denyWrites());
  for (const node of nodes) {
    assert.equal(await writeIn(pilotOn(node), "/tmp/forbidden/x"), "killed");
    assert.equal((await kernelObjects(node)).link.length, tracking.link.length + 8);
  }
  await deletePolicy(denyWritesRef);
  for (const [at, node] of nodes.entries()) {
    await writesBecome(pilotOn(node), "/tmp/forbidden/x", "allowed");
    await kernelBecomes(node, "what was there before", (now) => isDeepStrictEqual(now, before[at]));
  }
});
