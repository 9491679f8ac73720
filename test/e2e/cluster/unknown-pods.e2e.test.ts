import assert from "node:assert/strict";
import { after, test } from "node:test";
import { patienceMs } from "../guardbee.ts";
import { kubectl, kubectlOutput } from "../lab/cluster/kubectl.ts";
import { waitFor } from "../lab/progress.ts";
import { aPod, apply, nodeNames, openFleet, waitTimeout } from "./fleet.ts";
import { applyReady } from "./policies.ts";

await openFleet();
const node = nodeNames()[0]!;
after(() =>
  kubectlOutput(["delete", "pods", "--ignore-not-found", "--wait=false", "listed", "unlisted"]),
);

async function exitCode(pod: string): Promise<string> {
  const path = "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}";
  return waitFor(
    `${pod} to end`,
    async () => (await kubectlOutput(["get", "pod", pod, "-o", path])) || undefined,
    { timeoutMs: patienceMs, everyMs: 1_000 },
  );
}

const list = `
apiVersion: cilium.io/v1alpha1
kind: ExecPolicy
metadata:
  name: listed
spec:
  podSelector: {matchLabels: {app: listed}}
  containerSelector: {matchLabels: {name: app}}
  unknownPods: Deny
  rules:
    selectors:
    - matchBinarys: {operator: NotIn, values: [/bin/sleep, /usr/bin/sleep, /bin/true, /usr/bin/true, /pause]}
    - matchActions: [{action: Sigkill}]
`;

test("a list does not keep the runtime from starting a container, nor from running what is listed in it", async () => {
  await applyReady("execpolicy/listed", list);
  const spec = { restartPolicy: "Never" };
  const of = (name: string, command: readonly string[]) => ({ name, command });
  const containers = [
    of("app", ["/bin/sleep", "infinity"]),
    of("side", ["/bin/sleep", "infinity"]),
  ];
  await apply([aPod({ name: "listed", node, labels: { app: "listed" }, containers, spec })]);
  await kubectlOutput(["wait", "--for=condition=Ready", waitTimeout, "pod/listed"]);
  const run = async (container: string, program: string) =>
    (await kubectl(["exec", "listed", "-c", container, "--", program])).exitCode;
  assert.equal(await run("app", "/bin/true"), 0);
  assert.equal(await run("app", "/bin/date"), 137);
  assert.equal(await run("side", "/bin/date"), 0);
  const first = [of("app", ["/bin/date"])];
  await apply([
    aPod({ name: "unlisted", node, labels: { app: "listed" }, containers: first, spec }),
  ]);
  assert.equal(await exitCode("unlisted"), "137");
});
