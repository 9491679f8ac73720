import { type KubeObject, type Resource, resources } from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy";

/** How large a cluster is. */
export type FleetSize = {
  readonly nodes: number;
  readonly policies: number;
  readonly namespaces: number;
  readonly workloads: number;
};

/** An object as it is created, with its kind. */
export type Seeded = { readonly resource: Resource; readonly object: KubeObject };

export const agentNamespace = "guardbee-system";

/** Long, as cloud providers' are: a status names nodes. */
export function nodeName(i: number): string {
  return `ip-10-${i >> 16}-${(i >> 8) & 255}-${i & 255}.eu-central-1.compute.internal`;
}

/** Twelve kernels, so that a policy that fails everywhere has more groups than a status may list. */
export function kernelOf(i: number): string {
  return `6.${1 + (i % 12)}.0-${20 + (i % 12)}-cloud-amd64`;
}

/** Pool 0 has 50 nodes, or a tenth of a small fleet. */
export function poolSize(nodes: number): number {
  return Math.min(50, Math.ceil(nodes / 10));
}

export function aNode(i: number, nodes: number): Seeded {
  const name = nodeName(i);
  const pool = i < poolSize(nodes) ? "small" : `pool-${i % 9}`;
  const labels = {
    ...{ pool, "kubernetes.io/hostname": name, "kubernetes.io/os": "linux" },
    "kubernetes.io/arch": "amd64",
    "topology.kubernetes.io/zone": `eu-central-1${"abc"[i % 3]}`,
    "node.kubernetes.io/instance-type": "m6i.2xlarge",
  };
  const nodeInfo = { kernelVersion: kernelOf(i), architecture: "amd64", operatingSystem: "linux" };
  const conditions = [{ type: "Ready", status: "True", reason: "KubeletReady", message: "ready" }];
  const object = { metadata: { name, labels }, spec: {}, status: { conditions, nodeInfo } };
  return { resource: resources.node, object };
}

/** The pod that an agent's token is bound to, and the only one on its node. */
export function anAgentPod(i: number): Seeded {
  const containers = [{ name: "agent", image: "registry.example/guardbee/agent:1" }];
  const metadata = { name: `guardbee-agent-${i}`, namespace: agentNamespace };
  const spec = { nodeName: nodeName(i), serviceAccountName: "guardbee-agent", containers };
  return { resource: resources.pod, object: { metadata, spec } };
}

export function aNamespace(i: number): Seeded {
  const labels = { tier: i % 10 === 0 ? "edge" : "inner" };
  return { resource: resources.namespace, object: { metadata: { name: `team-${i}`, labels } } };
}

export function aWorkload(i: number, namespaces: number): Seeded {
  const name = `service-${i}`;
  const podLabels = { app: name, tier: i % 20 === 0 ? "edge" : "inner" };
  const metadata = {
    ...{ name, namespace: `team-${i % namespaces}` },
    labels: { "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": `product-${i % 97}` },
  };
  const containers = [{ name: "main", image: `registry.example/${name}:1.${i % 30}.0` }];
  const template = { metadata: { labels: podLabels }, spec: { containers } };
  const spec = { replicas: 3, selector: { matchLabels: { app: name } }, template };
  return { resource: resources.deployment, object: { metadata, spec } };
}

/**
 * The mix of the fleet: seven of ten policies hold in a namespace, two in labelled pods everywhere,
 * all on every node; one in ten is for a pool of nodes. The first is Rego over the inventory.
 */
export function aPolicy(i: number, namespaces: number): Seeded {
  if (i === 0) return regoPolicy();
  const name = `policy-${i}`;
  const namespace = `team-${i % namespaces}`;
  const podSelector = { matchLabels: { app: `service-${i}` } };
  switch (i % 10) {
    case 7:
    case 8:
      return aTracingPolicy(name, { podSelector });
    case 9:
      return aTracingPolicy(name, { podSelector, nodeSelector: inPool(`pool-${i % 9}`) });
    default:
      return {
        resource: resourceOf("TracingPolicyNamespaced"),
        object: { metadata: { name, namespace }, spec: { podSelector, ...denyWrites(name) } },
      };
  }
}

export function inPool(pool: string) {
  return { matchLabels: { pool } };
}

/** A TracingPolicy that kills who installs a descriptor below `/srv/NAME/`. */
export function aTracingPolicy(name: string, more: object, prefix = `/srv/${name}/`): Seeded {
  const object = { metadata: { name }, spec: { ...more, ...denyWrites(name, prefix) } };
  return { resource: resourceOf("TracingPolicy"), object };
}

function denyWrites(name: string, prefix = `/srv/${name}/`) {
  const args = [
    { index: 0, type: "int" },
    { index: 1, type: "file" },
  ];
  const values = [prefix, `/var/lib/${name}/`, `/etc/${name}/`];
  const matchArgs = [{ index: 1, operator: "Prefix", values }];
  const selectors = [{ matchArgs, matchActions: [{ action: "Sigkill" }] }];
  return { kprobes: [{ call: "fd_install", syscall: false, args, selectors }] };
}

function regoPolicy(): Seeded {
  const rego = `package guardbee.generate

policies contains {
	"kind": "TracingPolicyNamespaced",
	"metadata": {"name": concat("-", ["edge", w.name]), "namespace": w.namespace},
	"spec": {"podSelector": {"matchLabels": w.podLabels}, "kprobes": [{
		"call": "fd_install",
		"syscall": false,
		"args": [{"index": 0, "type": "int"}, {"index": 1, "type": "file"}],
		"selectors": [{
			"matchArgs": [{"index": 1, "operator": "Prefix", "values": ["/srv/cards/"]}],
			"matchActions": [{"action": "Sigkill"}],
		}],
	}]},
} if {
	some w in input.inventory.workloads
	w.podLabels.tier == "edge"
	w.namespace == "team-0"
}
`;
  const spec = { role: "Generate", modules: [{ name: "edge.rego", rego }] };
  return { resource: resourceOf("RegoPolicy"), object: { metadata: { name: "edge" }, spec } };
}
