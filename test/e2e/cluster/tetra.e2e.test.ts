import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { patienceMs } from "../guardbee.ts";
import { kubeconfigPath } from "../lab/cluster/control-plane.ts";
import { kubectl, kubectlPath } from "../lab/cluster/kubectl.ts";
import { waitFor } from "../lab/progress.ts";
import { openFleet, pilotOn } from "./fleet.ts";
import { tetra, tetraOn } from "./tetra.ts";

await openFleet();
const node = "node-1";

test("the agent's image has tetra, which asks the agent on its socket", async () => {
  assert.equal(await tetra(node, "status"), "Health Status: running\n");
  assert.equal(await tetra(node, "tp domains"), "[grpc k8s]\n");
});

test("getevents prints what happens in a pod, as it happens", async () => {
  const env = { ...process.env, KUBECONFIG: kubeconfigPath() };
  const words = ["getevents", "-o", "compact", "--pod", `^${pilotOn(node)}$`, "-e", "PROCESS_EXEC"];
  const child = spawn(
    await kubectlPath(),
    [...(await tetraOn(node)).filter((word) => word !== "-i"), ...words],
    {
      // With -i it would read events from its input, as upstream's.
      ...{ env, stdio: ["ignore", "pipe", "ignore"] },
    },
  );
  after(() => child.kill("SIGKILL"));
  const lines: string[] = [];
  createInterface(child.stdout).on("line", (line) => lines.push(line));
  const line = `🚀 process default/${pilotOn(node)} /bin/echo seen`;
  await waitFor(
    "an exec in the pod",
    async () => {
      await kubectl(["exec", pilotOn(node), "--", "/bin/echo", "seen"]);
      return lines.some((one) => one.startsWith(line)) || undefined;
    },
    { timeoutMs: patienceMs, everyMs: 500, detail: () => lines.join("\n") },
  );
});
