// What receivers of others read of a cluster's events: SIEM content, and an OpenTelemetry Collector.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { missingFields } from "../../../agent/events/testing/siem-fields.ts";
import { apply, openFleet, pilotOn, waitTimeout } from "../cluster/fleet.ts";
import { applyReady, denyWrites, denyWritesRef } from "../cluster/policies.ts";
import { writeIn } from "../cluster/writes.ts";
import { eventLines, patienceMs, rolledOut, systemNamespace } from "../guardbee.ts";
import { apiAddress } from "../lab/cluster/addresses.ts";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";
import { Collector } from "../lab/collector.ts";
import { waitFor } from "../lab/progress.ts";

await openFleet();
const agents = ["-n", systemNamespace, "daemonset/guardbee-agent"] as const;
const node = "node-1";
const given = await agentArgs();
let collector: Collector;

before(async () => {
  // Beside the control plane, where the nodes reach it.
  const ports = { grpc: 4317, http: 4318 };
  collector = await Collector.start({ host: apiAddress, ports, namespace: "gblab" });
});
after(async () => {
  await kubectlOutput(["delete", "deployment", "probed", "--ignore-not-found"]);
  await runAgents(given);
  await collector?.stop();
});

async function agentArgs(): Promise<readonly string[]> {
  const path = "jsonpath={.spec.template.spec.containers[?(@.name=='agent')].args}";
  return JSON.parse(await kubectlOutput(["get", ...agents, "-o", path]));
}

/** Has all agents run with these words, and waits until they do. */
async function runAgents(args: readonly string[]): Promise<void> {
  const rollingUpdate = { maxUnavailable: "100%" };
  const containers = [{ name: "agent", args }];
  const spec = { updateStrategy: { rollingUpdate }, template: { spec: { containers } } };
  await kubectlOutput(["patch", ...agents, "-p", JSON.stringify({ spec })]);
  await rolledOut();
}

/** Has an exec probe, labels, more than its rights, and a program that runs another. */
const probed = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "probed" },
  spec: {
    selector: { matchLabels: { app: "probed" } },
    template: {
      metadata: { labels: { app: "probed" } },
      spec: {
        nodeSelector: { "kubernetes.io/hostname": node },
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: "probed",
            image: "guardbee.invalid/demo:dev",
            command: ["/bin/sh", "-c", "while /bin/cat /etc/hostname; do /bin/sleep 1; done"],
            securityContext: { privileged: true },
            readinessProbe: { exec: { command: ["/bin/cat", "/etc/passwd"] }, periodSeconds: 2 },
          },
        ],
      },
    },
  },
};

for (const protocol of ["grpc", "http/protobuf"] as const) {
  test(`a Collector takes what happens over ${protocol}, with pod, container, process and policy`, async () => {
    const endpoint = collector.endpoints[protocol];
    await runAgents([
      ...[...given, `--otlp-endpoint=${endpoint}`, `--otlp-protocol=${protocol}`],
      ...["--cluster-name=lab", "--enable-ancestors=base"],
    ]);
    await applyReady(denyWritesRef, denyWrites());
    const pod = pilotOn(node);
    const isOurs = (attributes: Readonly<Record<string, unknown>>) =>
      attributes["security_rule.ruleset.name"] === "deny-tmp-forbidden-write" &&
      attributes["k8s.pod.name"] === pod;
    const count = () => collector.records().filter(({ attributes }) => isOurs(attributes)).length;
    const before = count();
    assert.equal(await writeIn(pod, "/tmp/forbidden/x"), "killed");
    await waitFor("the record of a write", async () => count() > before || undefined, {
      timeoutMs: patienceMs,
      everyMs: 500,
    });
    const records = collector.records().filter(({ attributes }) => isOurs(attributes));
    for (const { resource, attributes } of records) {
      assert.deepEqual(
        [resource["service.name"], resource["k8s.node.name"], resource["k8s.cluster.name"]],
        ["guardbee-agent", node, "lab"],
      );
      assert.deepEqual(
        Object.entries(attributes).filter(([, value]) => value === "" || value === undefined),
        [],
      );
      for (const name of [
        ...["k8s.namespace.name", "k8s.pod.uid", "k8s.container.name", "container.id"],
        ...["container.image.name", "process.pid", "process.executable.path"],
        ...["process.command_line", "security_rule.name", "guardbee.outcome"],
      ]) {
        assert.ok(attributes[name] !== undefined, `${name} of ${JSON.stringify(attributes)}`);
      }
    }
    // What is of no policy has its process all the same, and in a container that its pod lists that, too.
    const others = collector.records().filter(({ attributes }) => attributes["k8s.pod.name"]);
    assert.deepEqual(
      others.filter(({ attributes: of }) => {
        const lacksContainer = of["k8s.container.name"] && !of["container.id"];
        return !of["process.executable.path"] || lacksContainer;
      }),
      [],
    );
  });
}

test("every field that SIEM content reads is in some event", async () => {
  await apply([probed]);
  await kubectlOutput(["rollout", "status", "deployment/probed", waitTimeout]);
  let missing: readonly string[] = [];
  const found = async () => {
    missing = missingFields((await eventLines(node)).filter((line) => line.startsWith("{")));
    return missing.length === 0 || undefined;
  };
  await waitFor("all fields", found, {
    ...{ timeoutMs: patienceMs, everyMs: 2_000, detail: () => missing.join(" ") },
  });
});
