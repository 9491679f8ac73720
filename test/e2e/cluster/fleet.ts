import { after } from "node:test";
import { patienceMs } from "../guardbee.ts";
import { readNodes } from "../lab/cluster/cluster.ts";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";
import { bareNodes } from "./kernel-objects.ts";

/** Those before node-3 have a kernel that can do everything; node-3 has Debian's, without error injection. */
export type NodeName = "node-1" | "node-2" | "node-3";

/** The cluster's nodes. */
export function nodeNames(): readonly NodeName[] {
  return readNodes().map(({ name }) => name as NodeName);
}

const kinds = "tracingpolicies,execpolicies,regopolicies";
const namespacedKinds = "tracingpoliciesnamespaced,execpoliciesnamespaced,regopoliciesnamespaced";

/** For each file of tests: no policy is there before and after. What else is there, setup.ts made. */
export async function openFleet(): Promise<void> {
  const all = `${kinds},${namespacedKinds}`;
  const left = await kubectlOutput(["get", all, "--all-namespaces", "--output", "name"]);
  if (left !== "") await clearPolicies(); // of a file that was ended, in a cluster that was kept
  after(clearPolicies);
}

/** Starts a pod a node, in which tests run what they like. */
export async function startPilots(): Promise<void> {
  await apply(nodeNames().map(pilot));
  const pods = nodeNames().map((node) => `pod/${pilotOn(node)}`);
  await kubectlOutput(["wait", "--for=condition=Ready", waitTimeout, ...pods]);
}

export const waitTimeout = `--timeout=${patienceMs / 1000}s`;

/** Deletes every policy, and waits until nothing of them is left in any node's kernel. */
export async function clearPolicies(): Promise<void> {
  await kubectlOutput(["delete", kinds, "--all"]);
  await kubectlOutput(["delete", namespacedKinds, "--all", "--all-namespaces"]);
  await bareNodes(nodeNames());
}

/** `kubectl apply` of YAML, or of objects. */
export async function apply(what: string | readonly object[]): Promise<void> {
  const list = { apiVersion: "v1", kind: "List", items: what };
  await kubectlOutput(["apply", "-f", "-"], typeof what === "string" ? what : JSON.stringify(list));
}

/** The pod on a node in which tests run what they like. */
export function pilotOn(node: NodeName): string {
  return `pilot-${node}`;
}

function pilot(node: NodeName): object {
  const folders = "/tmp/forbidden /tmp/left /tmp/right";
  return aPod({
    name: pilotOn(node),
    node,
    containers: [
      { name: "pilot", command: ["/bin/sh", "-c", `mkdir -p ${folders}; exec sleep infinity`] },
    ],
  });
}

/** A pod of the demo image on a node; `spec` has what else it needs. */
export function aPod(pod: {
  readonly name: string;
  readonly node: NodeName;
  readonly labels?: Readonly<Record<string, string>>;
  readonly containers: readonly { readonly name: string; readonly command: readonly string[] }[];
  readonly spec?: object;
}): object {
  const { name, node, labels = {}, containers, spec = {} } = pod;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { "guardbee-test": "true", ...labels } },
    spec: {
      nodeSelector: { "kubernetes.io/hostname": node },
      terminationGracePeriodSeconds: 0,
      containers: containers.map((each) => ({ image: "guardbee.invalid/demo:dev", ...each })),
      ...spec,
    },
  };
}
