import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { PolicyApplication, seeds } from "../../install/argocd-application.ts";
import { ArgoCd, argocdItems } from "../../install/argocd-controller.ts";
import { nodeNames, openFleet, pilotOn } from "../cluster/fleet.ts";
import { writeIn, writesBecome } from "../cluster/writes.ts";
import { patienceMs } from "../guardbee.ts";
import { ensureBuilt } from "../lab/build.ts";
import { kubeconfigPath } from "../lab/cluster/control-plane.ts";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";

await openFleet();
const nodes = nodeNames();
await ensureBuilt([...argocdItems]);

const { tracing, exec } = seeds;
const path = "/tmp/forbidden/x";
/** Ten minutes are a long time for each run of all tests. */
const diffMinutes = Number(process.env.GUARDBEE_DIFF_MINUTES ?? "1");

const argo = new ArgoCd(readFileSync(kubeconfigPath(), "utf8"), patienceMs);
const app = new PolicyApplication(argo);
after(async () => {
  await argo.stop();
  await kubectlOutput(["delete", "namespace", "argocd", "--wait=false"]);
  app.remove();
});
await argo.start();
app.create();

test("Argo CD: both seed policies are Synced and Healthy, and hold", async () => {
  const healthy = `Healthy in force on ${nodes.length} of ${nodes.length} nodes`;
  await app.becomes({ app: "Synced Healthy", [tracing.name]: healthy, [exec.name]: healthy });
  for (const node of nodes) assert.equal(await writeIn(pilotOn(node), path), "killed");
});

test(`Argo CD: for ${diffMinutes} min there is no difference, and nothing is written`, async () => {
  const earlier = await versions();
  const endsAt = performance.now() + diffMinutes * 60_000;
  do {
    await app.refresh("hard");
    await app.becomes({ app: "Synced Healthy" });
    await sleep(20_000);
  } while (performance.now() < endsAt);
  assert.equal(await versions(), earlier);
});

test("Argo CD: a wrong policy is not applied, which its condition says in our words", async () => {
  const good = app.read(tracing.file);
  await app.change(tracing.file, good.replace('operator: "Prefix"', 'operator: "Mask"'));
  const message = /matchArgs\[0\]\.operator: Mask does not apply to type file; allowed: Equal/;
  await app.becomes({ conditions: message });
  assert.equal(await writeIn(pilotOn("node-1"), path), "killed", "the version before holds");
  await app.change(tracing.file, good);
  await app.becomes({ app: "Synced Healthy" });
});

test("Argo CD: a policy that no kernel can hold is Degraded with our message", async () => {
  const good = app.read(tracing.file);
  const broken = good.replace('call: "fd_install"', 'call: "fd_instill"');
  assert.notEqual(broken, good);
  await app.change(tracing.file, broken);
  await app.becomes({ app: "Synced Degraded", [tracing.name]: /^Degraded .*fd_instill/ });
  await app.change(tracing.file, good);
  await app.becomes({ app: "Synced Healthy" });
});

test("Argo CD: a policy that somebody deletes is back, and holds again", async () => {
  await kubectlOutput(["delete", "tracingpolicy", tracing.name]);
  await argo.eventually("it to be back", async () => (await policies()).includes(tracing.name));
  await app.becomes({ app: "Synced Healthy" });
  await writesBecome(pilotOn("node-1"), path, "killed");
});

test("Argo CD: what is removed from git holds nowhere any more", async () => {
  await app.change(tracing.file, undefined);
  await argo.eventually("it to be gone", async () => !(await policies()).includes(tracing.name));
  await app.becomes({ app: "Synced Healthy" });
  for (const node of nodes) await writesBecome(pilotOn(node), path, "allowed");
});

function policies(): Promise<string> {
  return kubectlOutput(["get", "tracingpolicies", "-o", "name"]);
}

/** Of both policies: another one after any write. */
function versions(): Promise<string> {
  const template = "jsonpath={.items[*].metadata.resourceVersion}";
  return kubectlOutput(["get", "tracingpolicies,execpolicies", "-o", template]);
}
