import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resources } from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy";
import { stringify } from "yaml";
import { eventually, TestCluster } from "../../../operator/testing/test-cluster.ts";

const { pod, namespace } = resources;
const tracingPolicy = resourceOf("TracingPolicy");
const tracingPolicyNamespaced = resourceOf("TracingPolicyNamespaced");
const serviceAccount = {
  ...{ group: "", version: "v1", kind: "ServiceAccount", plural: "serviceaccounts" },
  namespaced: true,
};

/** Kills what opens a file below `path`. */
export function aPolicy(name: string, path: string, spec: object = {}, metadata: object = {}) {
  return {
    metadata: { name, ...metadata },
    spec: {
      kprobes: [
        {
          ...{ call: "fd_install", syscall: false },
          args: [{ index: 1, type: "file" }],
          selectors: [
            {
              matchArgs: [{ index: 1, operator: "Prefix", values: [path] }],
              matchActions: [{ action: "Sigkill" }],
            },
          ],
        },
      ],
      ...spec,
    },
  };
}

function aPod(name: string, nodeName: string, labels: Record<string, string>, space = "shop") {
  const containers = ["main", "proxy"].map((one) => ({ name: one, image: `example/${one}:1` }));
  return { metadata: { name, namespace: space, labels }, spec: { nodeName, containers } };
}

/** A cluster, and a kubeconfig for it with contexts admin, stranger (no rights) and unreachable. */
export type ThreeNodes = {
  readonly cluster: TestCluster;
  readonly folder: string;
  readonly kubeconfig: string;
  stop(): Promise<void>;
};

/**
 * Nodes new (label pool=edge), old and off (NotReady), an operator, and three policies: everywhere
 * (which old cannot hold), edge (for pool=edge) and shop/web (monitor, main containers of app=web).
 * Pods shop/web-1 and default/web-2 are on new, shop/db-1 is on old.
 */
export async function startThreeNodes(): Promise<ThreeNodes> {
  const cluster = await TestCluster.start();
  const folder = await mkdtemp(join(tmpdir(), "guardbee-cli-"));
  const kubeconfig = join(folder, "kubeconfig");
  const nobody = { metadata: { name: "nobody", namespace: "guardbee-system" } };
  await cluster.apply(serviceAccount, nobody);
  const stranger = await cluster.tokenOf("nobody");
  await writeFile(kubeconfig, kubeconfigFor(cluster.access, stranger));
  await cluster.addNode("new", { labels: { pool: "edge" }, kernel: "6.12.0" });
  await cluster.addNode("old", { kernel: "5.15.0" });
  await cluster.addNode("off", { ready: false });
  await cluster.apply(namespace, { metadata: { name: "shop" } });
  await cluster.startOperator();
  await cluster.apply(tracingPolicy, aPolicy("everywhere", "/etc/shadow"));
  const edge = { nodeSelector: { matchLabels: { pool: "edge" } } };
  await cluster.apply(tracingPolicy, aPolicy("edge", "/edge/", edge));
  const web = {
    podSelector: { matchLabels: { app: "web" } },
    containerSelector: { matchLabels: { name: "main" } },
    options: [{ name: "policy-mode", value: "monitor" }],
  };
  await cluster.apply(tracingPolicyNamespaced, aPolicy("web", "/web/", web, { namespace: "shop" }));
  await cluster.apply(pod, aPod("web-1", "new", { app: "web" }));
  await cluster.apply(pod, aPod("db-1", "old", { app: "db" }));
  await cluster.apply(pod, aPod("web-2", "new", { app: "web" }, "default"));
  for (const [node, count] of [
    ["new", 3],
    ["old", 2],
    ["off", 2],
  ] as const) {
    await eventually(
      `sets of ${node}`,
      async () => {
        const found = (await cluster.list(resourceOf("NodePolicySet"))).find(
          ({ metadata }) => metadata.name === node,
        );
        return (found?.spec as { sets: string[] } | undefined)?.sets.length;
      },
      count,
    );
  }
  const features = ["btf", "fentry"];
  await cluster.report("new", {}, { kernel: { release: "6.12.0", arch: "x86_64", features } });
  await cluster.report("old", { "tracingpolicy.everywhere": "has no fd_install" });
  await eventually(
    "counted",
    async () => (await cluster.status(tracingPolicy, "everywhere")).nodes,
    (nodes) => nodes?.programmed === 1 && nodes.failed === 1,
  );
  await eventually(
    "web counted",
    async () => (await cluster.status(tracingPolicyNamespaced, "web", "shop")).nodes?.summary,
    "2/3",
  );
  return {
    ...{ cluster, folder, kubeconfig },
    async stop() {
      await cluster.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** With contexts admin, stranger and unreachable. */
export function kubeconfigFor(
  access: { readonly server: string; readonly token: string },
  stranger = "unknown",
): string {
  const tls = { "insecure-skip-tls-verify": true };
  const user = (name: string, token: string) => ({ name, user: { token } });
  const context = (name: string, cluster: string) => ({ name, context: { cluster, user: name } });
  return stringify({
    ...{ apiVersion: "v1", kind: "Config", "current-context": "admin" },
    clusters: [
      { name: "there", cluster: { server: access.server, ...tls } },
      { name: "gone", cluster: { server: "https://127.0.0.1:1", ...tls } },
    ],
    users: [user("admin", access.token), user("stranger", stranger), user("unreachable", "x")],
    contexts: [
      context("admin", "there"),
      context("stranger", "there"),
      context("unreachable", "gone"),
    ],
  });
}
