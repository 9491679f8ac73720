import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeNames, openFleet, pilotOn } from "./fleet.ts";
import { applyReady, deletePolicy, denyWrites, denyWritesRef } from "./policies.ts";
import { Hammer } from "./writes.ts";

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
