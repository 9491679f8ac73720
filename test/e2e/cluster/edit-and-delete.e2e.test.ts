import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { nodeNames, openFleet, pilotOn } from "./fleet.ts";
import { bareNodes, kernelBecomes, kernelObjects, tracking } from "./kernel-objects.ts";
import { applyReady, deletePolicy, denyWrites, denyWritesRef } from "./policies.ts";
import { Hammer, writeIn, writesBecome } from "./writes.ts";

await openFleet();
const nodes = nodeNames();

test("while a policy is edited its old and its new path are never both open", async () => {
  const [left, right] = ["/tmp/left/", "/tmp/right/"] as const;
  await applyReady(denyWritesRef, denyWrites({ prefix: left }));
  const hammers = await Promise.all(
    nodes.map((node) => Hammer.start(pilotOn(node), [`${left}x`, `${right}x`])),
  );
  const edits = [
    [left, right],
    [right, left],
  ] as const;
  for (const [from, to] of edits) {
    const [old, next] = [`${from}x`, `${to}x`];
    for (const hammer of hammers) {
      await hammer.until({ path: old, allowed: false });
      await hammer.until({ path: next, allowed: true });
      hammer.forget();
    }
    await applyReady(denyWritesRef, denyWrites({ prefix: to }));
    for (const hammer of hammers) {
      await hammer.until({ path: next, allowed: false });
      await hammer.until({ path: old, allowed: true });
      // The attempts are one after the other: once the old path is open the new one is closed.
      const opened = hammer.attempts.findIndex(({ path, allowed }) => path === old && allowed);
      const late = hammer.attempts.slice(opened).filter((a) => a.path === next && a.allowed);
      assert.deepEqual(late, []);
    }
  }
  for (const hammer of hammers) await hammer.stop();
  await deletePolicy(denyWritesRef);
});

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
