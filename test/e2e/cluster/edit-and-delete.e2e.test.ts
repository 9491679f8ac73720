import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { nodes, openFleet, pilotOn } from "./fleet.ts";
import { kernelBecomes, kernelObjects, namesOf, tracking } from "./kernel-objects.ts";
import { applyReady, deletePolicy, denyWrites, denyWritesRef } from "./policies.ts";
import { Hammer, writeIn, writesBecome } from "./writes.ts";

await openFleet();

test("while a policy is edited its old and its new path are never both open", async () => {
  const prefixes = ["/tmp/left/", "/tmp/right/"] as const;
  const paths = prefixes.map((prefix) => `${prefix}x`);
  await applyReady(denyWritesRef, denyWrites({ prefix: prefixes[0] }));
  const hammers = await Promise.all(
    (["node-1", "node-3"] as const).map((node) => Hammer.start(pilotOn(node), paths)),
  );
  for (const edit of [0, 1, 2, 3]) {
    const [before, then] = edit % 2 === 0 ? [0, 1] : [1, 0];
    const [old, next] = [paths[before]!, paths[then]!];
    for (const hammer of hammers) {
      await hammer.until({ path: old, allowed: false });
      await hammer.until({ path: next, allowed: true });
      hammer.forget();
    }
    await applyReady(denyWritesRef, denyWrites({ prefix: prefixes[then]! }));
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
  for (const node of nodes) {
    await kernelBecomes(node, "only process tracking", (now) =>
      isDeepStrictEqual(namesOf(now), tracking),
    );
  }
  const before = await Promise.all(nodes.map(kernelObjects));
  await applyReady(denyWritesRef, denyWrites());
  for (const node of nodes) {
    assert.equal(await writeIn(pilotOn(node), "/tmp/forbidden/x"), "killed");
    assert.equal((await kernelObjects(node)).link.length, tracking.link.length + 5);
  }
  await deletePolicy(denyWritesRef);
  for (const [at, node] of nodes.entries()) {
    await writesBecome(pilotOn(node), "/tmp/forbidden/x", "allowed");
    await kernelBecomes(node, "what was there before", (now) => isDeepStrictEqual(now, before[at]));
  }
});
