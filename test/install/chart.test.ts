import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  chart,
  helm,
  type Manifest,
  nameOf,
  parseManifests,
  renderChart,
  renderKustomization,
  runProgram,
  templateArgs,
  whyNotBuilt,
} from "./lab-programs.ts";

const operator = "Deployment guardbee-system/guardbee-operator";
const agent = "DaemonSet guardbee-system/guardbee-agent";
const webhook = "ValidatingWebhookConfiguration guardbee";
const networkPolicy = "NetworkPolicy guardbee-system/guardbee-operator";
const webhookRule = { ports: [{ protocol: "TCP", port: 9443 }] };
const metricsRule = {
  from: [{ namespaceSelector: { matchLabels: { "guardbee.io/metrics": "true" } } }],
  ports: [{ protocol: "TCP", port: 8080 }],
};
const pod = "spec.template.spec";
const first = `${pod}.containers.0`;
const updates = "spec.updateStrategy.rollingUpdate";

describe("the Helm chart", { skip: whyNotBuilt("helm", "kubernetes") }, () => {
  test("passes helm lint, with nothing to warn of", () => {
    const { code, stdout } = runProgram(helm, ["lint", "--strict", chart]);
    assert.deepEqual({ code, warned: /WARNING|ERROR/.test(stdout) }, { code: 0, warned: false });
  });

  test("is config/default, object by object", () => {
    const ours = byName(renderChart("namespace.create=true", "crds.keep=false"));
    assert.deepEqual(ours, byName(renderKustomization("config/default")));
  });

  test("as installed leaves the namespace to the user, and asks Helm to keep the CRDs", () => {
    const whole = renderChart("namespace.create=true", "crds.keep=false");
    const kept = whole.map((object) =>
      object.kind === "CustomResourceDefinition"
        ? {
            ...object,
            metadata: { ...object.metadata, annotations: { "helm.sh/resource-policy": "keep" } },
          }
        : object,
    );
    const wanted = kept.filter(({ kind }) => kind !== "Namespace");
    assert.deepEqual(byName(renderChart()), byName(wanted));
  });

  test("copied without its links is refused, packaged by Helm has them", (t) => {
    const dir = mkdtempSync(join(tmpdir(), "guardbee-chart-"));
    t.after(() => rmSync(dir, { recursive: true }));
    const linkless = join(dir, "guardbee");
    cpSync(chart, linkless, { recursive: true, filter: (path) => !path.endsWith("files/crds") });
    const from = (source: string) => runProgram(helm, templateArgs([], source));
    assert.match(from(linkless).stderr, /files\/crds: has no CRD: .* or apply crds\/ and set/);
    assert.equal(runProgram(helm, ["package", chart, "--destination", dir]).code, 0);
    const packaged = from(join(dir, "guardbee-0.1.0.tgz")).stdout;
    assert.deepEqual(byName(parseManifests(packaged)), byName(renderChart()));
  });

  test("in another namespace names guardbee-system nowhere", () => {
    const args = ["template", "other", chart, "--namespace", "security"];
    const { code, stdout } = runProgram(helm, args);
    assert.equal(code, 0);
    assert.equal(stdout.includes("guardbee-system"), false);
    assert.match(stdout, /system:serviceaccount:security:guardbee-agent/);
  });

  const options: readonly { set: string; object: string; at: string; want: unknown }[] = [
    { set: "operator.replicas=2", object: operator, at: "spec.replicas", want: 2 },
    {
      set: "agent.healthPort=7000",
      object: agent,
      at: `${first}.readinessProbe.httpGet.port`,
      want: 7000,
    },
    { set: "agent.maxUnavailable=3", object: agent, at: `${updates}.maxUnavailable`, want: 3 },
    {
      set: 'agent.maxUnavailable="50%"',
      object: agent,
      at: `${updates}.maxUnavailable`,
      want: "50%",
    },
    {
      set: 'operator.image.tag="1.2"',
      object: operator,
      at: `${first}.image`,
      want: "guardbee.invalid/operator:1.2",
    },
    {
      set: `agent.image={"repository":"registry:5000/a","digest":"sha256:${"0".repeat(64)}"}`,
      object: agent,
      at: `${first}.image`,
      want: `registry:5000/a@sha256:${"0".repeat(64)}`,
    },
    {
      set: 'operator.proxy={"https":"http://proxy:3128","exceptions":".svc","caConfigMap":"ca"}',
      object: operator,
      at: `${first}.env.4`,
      want: { name: "HTTPS_PROXY", value: "http://proxy:3128" },
    },
    {
      set: 'operator.proxy={"https":"http://proxy:3128","exceptions":".svc","caConfigMap":"ca"}',
      object: operator,
      at: `${first}.env.6`,
      want: { name: "NODE_EXTRA_CA_CERTS", value: "/etc/guardbee/proxy/ca.crt" },
    },
    {
      set: 'operator.proxy.caConfigMap="ca"',
      object: operator,
      at: `${pod}.volumes.1`,
      want: { name: "proxy-ca", configMap: { name: "ca" } },
    },
    {
      set: 'image.pullPolicy="Always"',
      object: agent,
      at: `${first}.imagePullPolicy`,
      want: "Always",
    },
    {
      set: 'image.pullSecrets=[{"name":"r"}]',
      object: operator,
      at: `${pod}.imagePullSecrets`,
      want: [{ name: "r" }],
    },
    {
      set: 'agent.priorityClassName=""',
      object: agent,
      at: `${pod}.priorityClassName`,
      want: undefined,
    },
    { set: "agent.tolerations=[]", object: agent, at: `${pod}.tolerations`, want: undefined },
    {
      set: 'agent.nodeSelector={"pool":"a"}',
      object: agent,
      at: `${pod}.nodeSelector.pool`,
      want: "a",
    },
    {
      set: "agent.exportStdout.enabled=false",
      object: agent,
      at: `${pod}.containers.length`,
      want: 1,
    },
    {
      set: 'agent.logLevel="debug"',
      object: agent,
      at: `${first}.args.10`,
      want: "--log-level=debug",
    },
    {
      set: 'operator={"rollout":{"waves":"1,100%","interval":"5m"},"bundleHosts":["registry.example:5000"],"namespacedBundleHosts":["*.example.com"]}',
      object: operator,
      at: `${first}.args`,
      want: [
        "operator",
        "--health-port=8080",
        "--webhook-port=9443",
        "--bundle-hosts=registry.example:5000",
        "--namespaced-bundle-hosts=*.example.com",
        "--rollout-waves=1,100%",
        "--rollout-interval=5m",
      ],
    },
    {
      set: 'podMonitor={"enabled":true,"interval":"10s"}',
      object: "PodMonitor guardbee-system/guardbee-operator",
      at: "spec.podMetricsEndpoints",
      want: [{ port: "health", path: "/metrics", interval: "10s" }],
    },
    {
      set: 'operator={"logLevel":"warn","disableGuardRails":["cluster-wide"]}',
      object: operator,
      at: `${first}.args`,
      want: [
        "operator",
        "--health-port=8080",
        "--webhook-port=9443",
        "--disable-guard-rail=cluster-wide",
        "--log-level=warn",
      ],
    },
    {
      set: 'operator.resources={"limits":{"memory":"1Gi"}}',
      object: operator,
      at: `${first}.resources`,
      want: { limits: { memory: "1Gi" }, requests: { cpu: "50m", memory: "320Mi" } },
    },
    {
      set: 'webhook.failurePolicy="Fail"',
      object: webhook,
      at: "webhooks.0.failurePolicy",
      want: "Fail",
    },
    { set: "webhook.timeoutSeconds=9", object: webhook, at: "webhooks.0.timeoutSeconds", want: 9 },
    {
      set: 'webhook.from=[{"ipBlock":{"cidr":"10.0.0.5/32"}}]',
      object: networkPolicy,
      at: "spec.ingress",
      want: [
        {
          ports: [{ protocol: "TCP", port: 9443 }],
          from: [{ ipBlock: { cidr: "10.0.0.5/32" } }],
        },
        metricsRule,
      ],
    },
    {
      set: 'metrics.from=[{"podSelector":{"matchLabels":{"app":"p"}}}]',
      object: networkPolicy,
      at: "spec.ingress.1.from",
      want: [{ podSelector: { matchLabels: { app: "p" } } }],
    },
    { set: "metrics.from=[]", object: networkPolicy, at: "spec.ingress", want: [webhookRule] },
    {
      set: "webhook.enabled=false",
      object: networkPolicy,
      at: "spec.ingress",
      want: [metricsRule],
    },
    {
      set: 'webhook.clientCA={"configMap":"kube-root-ca.crt","names":["api"]}',
      object: operator,
      at: `${first}.args`,
      want: [
        "operator",
        "--health-port=8080",
        "--webhook-port=9443",
        "--webhook-client-ca=/etc/guardbee/webhook-client-ca/ca.crt",
        "--webhook-client-name=api",
      ],
    },
    {
      set: 'webhook.clientCA={"configMap":"kube-root-ca.crt"}',
      object: operator,
      at: `${pod}.volumes.1`,
      want: { name: "webhook-client-ca", configMap: { name: "kube-root-ca.crt" } },
    },
    {
      set: 'operator.bundleSecrets=["bundle-reader"]',
      object: "Role guardbee-system/guardbee-operator",
      at: "rules.5",
      want: {
        ...{ apiGroups: [""], resources: ["secrets"], verbs: ["get"] },
        resourceNames: ["bundle-reader"],
      },
    },
    {
      set: "networkPolicy.egressPorts=[7443]",
      object: networkPolicy,
      at: "spec.egress.1.ports",
      want: [{ protocol: "TCP", port: 7443 }],
    },
  ];
  test("without webhook and readers of metrics, nothing may connect but the pod's own node", () => {
    const objects = byName(renderChart("webhook.enabled=false", "metrics.from=[]"));
    assert.deepEqual(valueAt(objects[networkPolicy], "spec.ingress"), []);
  });

  for (const { set, object, at, want } of options) {
    test(`${set}: ${at} of ${object}`, () => {
      assert.deepEqual(valueAt(byName(renderChart(set))[object], at), want);
    });
  }

  const parts: readonly { set: string; gone: RegExp; count: number }[] = [
    { set: "crds.install=false", gone: /^CustomResourceDefinition /, count: 8 },
    { set: "operator.podDisruptionBudget.enabled=false", gone: /^PodDisruption/, count: 1 },
    { set: "networkPolicy.enabled=false", gone: /^NetworkPolicy /, count: 1 },
    { set: "webhook.enabled=false", gone: /^(Service|Secret|ValidatingWebhook\S+) /, count: 3 },
  ];
  for (const { set, gone, count } of parts) {
    test(`${set} leaves out ${count} objects, and no others`, () => {
      const all = Object.keys(byName(renderChart()));
      const wanted = all.filter((name) => !gone.test(name));
      assert.deepEqual(Object.keys(byName(renderChart(set))), wanted);
      assert.equal(all.length - wanted.length, count);
    });
  }

  test("without its webhook the operator opens no port for it", () => {
    const text = JSON.stringify(renderChart("webhook.enabled=false"));
    assert.equal(text.includes("9443"), false);
  });
});

function byName(objects: readonly Manifest[]): Readonly<Record<string, Manifest>> {
  const named = objects.map((object) => [nameOf(object), object] as const);
  assert.equal(new Set(named.map(([name]) => name)).size, named.length, "each name once");
  return Object.fromEntries(named.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What is at `a.0.b`; undefined where nothing is. */
function valueAt(object: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], object);
}
