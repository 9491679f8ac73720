import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { clearPolicies, nodes, pilotOn } from "../cluster/fleet.ts";
import { kernelBecomes } from "../cluster/kernel-objects.ts";
import { applyReady, denyWrites, denyWritesRef } from "../cluster/policies.ts";
import { writeIn } from "../cluster/writes.ts";
import { execOnNode } from "../lab/cluster/cluster.ts";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";
import { repositoryRoot } from "../lab/images.ts";

await clearPolicies();

test("removing Guardbee as the docs say leaves nothing in any kernel", async () => {
  await applyReady(denyWritesRef, denyWrites());
  const text = readFileSync(join(repositoryRoot, "docs/how-to/install.md"), "utf8");
  const remove = text.match(/^## Remove\n([\s\S]*?)^## /m)![1]!;
  const commands = [...remove.matchAll(/^\$ kubectl (.*)$/gm)].map((match) => match[1]!.split(" "));
  assert.equal(commands.length, 3);
  for (const args of commands) await kubectlOutput(args);
  const onNode = remove.match(/`(rm -r [^`]+)`/)![1]!;
  for (const node of nodes) {
    const { exitCode, stderr } = await execOnNode(node, ["/bin/sh", "-c", onNode]);
    assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: "" });
    await kernelBecomes(node, "nothing", (now) => Object.values(now).flat().length === 0);
    assert.equal(await writeIn(pilotOn(node), "/tmp/forbidden/x"), "allowed");
  }
});
