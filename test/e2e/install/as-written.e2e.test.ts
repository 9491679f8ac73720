import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "@guardbee/kube";
import { commandsOf, typeCommands } from "../documented.ts";
import { systemNamespace } from "../guardbee.ts";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";

const page = "docs/how-to/install.md";
const isReady = "condition=Ready --timeout=5m";

/** Each ends with all pods Ready; then what the page says takes it away again. */
const ways: readonly { name: string; install: readonly string[]; remove: readonly string[] }[] = [
  {
    name: "README.md",
    install: [
      ...commandsOf("README.md", "## Install on a cluster"),
      `kubectl -n ${systemNamespace} wait pods --all --for=${isReady}`,
    ],
    remove: commandsOf(page, "## Remove"),
  },
  {
    name: `${page} with kubectl`,
    install: commandsOf(page, "### With kubectl"),
    remove: commandsOf(page, "## Remove"),
  },
  {
    name: `${page} with kustomize`,
    install: commandsOf(page, "### With kustomize"),
    remove: commandsOf(page, "## Remove"),
  },
  {
    name: `${page} with Helm`,
    install: commandsOf(page, "### With Helm"),
    remove: [
      "helm uninstall guardbee --namespace guardbee-system",
      "kubectl delete -f config/base/00-namespace.yaml -f crds",
    ],
  },
];

for (const { name, install, remove } of ways) {
  test(`${name}: typed as written, operator and agent are Ready`, async () => {
    await typeCommands(install);
    const list = await kubectlOutput(["-n", systemNamespace, "get", "pods", "-o", "json"]);
    const { items }: { items: readonly KubeObject[] } = JSON.parse(list);
    assert.deepEqual(items.map(stateOf).sort(), [
      "guardbee-agent Ready guardbee.invalid/agent:dev",
      "guardbee-operator Ready guardbee.invalid/operator:dev",
    ]);
    await typeCommands(remove);
  });
}

/** `NAME Ready|not IMAGE` */
function stateOf({ metadata, spec, status }: KubeObject): string {
  const { conditions = [] } = status as { conditions?: { type: string; status: string }[] };
  const ready = conditions.some((one) => one.type === "Ready" && one.status === "True");
  const { containers } = spec as { containers: { image: string }[] };
  const name = metadata.labels?.["app.kubernetes.io/name"];
  return `${name} ${ready ? "Ready" : "not"} ${containers[0]!.image}`;
}
