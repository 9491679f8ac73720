import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { resources } from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy";
import { whyNoApiServer } from "../kube/testing/api-server.ts";
import { needOpa } from "./bundle/testing/opa.ts";
import { exportInventory } from "./rego/offline.ts";
import { eventually, readYaml, TestCluster } from "./testing/test-cluster.ts";

const regoPolicy = resourceOf("RegoPolicy");
const regoPolicyNamespaced = resourceOf("RegoPolicyNamespaced");
const tracingPolicy = resourceOf("TracingPolicy");
const execPolicy = resourceOf("ExecPolicy");
const skip = whyNoApiServer();
const opa = needOpa();
const examples = new URL("../config/examples/rego/", import.meta.url);

/** A policy for each workload with label tier=edge: its path comes from data. */
const edge = `package guardbee.generate

import rego.v1

policies contains policy if {
	input.workload.labels.tier == "edge"
	path := data.forbidden[input.workload.name]
	policy := {
		"kind": "TracingPolicy",
		"metadata": {"name": concat("-", ["edge", input.workload.name])},
		"spec": {
			"podSelector": {"matchLabels": input.workload.podLabels},
			"kprobes": [{
				"call": "fd_install",
				"syscall": false,
				"args": [{"index": 1, "type": "file"}],
				"selectors": [{
					"matchArgs": [{"index": 1, "operator": "Prefix", "values": [path]}],
					"matchActions": [{"action": "Sigkill"}],
				}],
			}],
		},
	}
}
`;

function aGenerator(name: string, spec: object = {}, metadata: object = {}) {
  const modules = [{ name: "edge.rego", rego: edge }];
  const data = { forbidden: { a: "/a/", b: "/b/", c: "/c/" } };
  return {
    metadata: { name, ...metadata },
    spec: { role: "Generate", evaluate: "PerWorkload", modules, data, ...spec },
  };
}

function aDeployment(name: string, labels: Record<string, string> = { tier: "edge" }) {
  const podLabels = { app: name };
  const containers = [{ name: "main", image: "example/app:1" }];
  return {
    metadata: { name, namespace: "default", labels },
    spec: {
      selector: { matchLabels: podLabels },
      template: { metadata: { labels: podLabels }, spec: { containers } },
    },
  };
}

const killing = (call: string, conditions: object = {}) => [
  {
    ...{ call, syscall: false },
    args: [{ index: 1, type: "file" }],
    selectors: [{ ...conditions, matchActions: [{ action: "Sigkill" }] }],
  },
];

describe("RegoPolicies against a real API server", { skip }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await TestCluster.start();
    await cluster.startOperator();
  });
  after(() => cluster?.stop());

  const policies = async (name: string) =>
    (await cluster.sets(name))?.map(({ policy }) => policy.name).join() ?? "none";

  test("a generator covers each workload, follows its labels, holds back a drop, and frees all", async () => {
    await cluster.apply(resources.deployment, aDeployment("a"));
    await cluster.apply(resources.deployment, aDeployment("other", {}));
    await cluster.apply(regoPolicy, aGenerator("edge"));
    const first = await cluster.accepted(regoPolicy, "edge", "True Accepted");
    assert.equal(first.rego?.rules, 1);
    assert.match(first.rego?.digest ?? "", /^sha256:[0-9a-f]{64}$/);
    await eventually("one", () => policies("regopolicy.edge"), "edge-a");
    for (const name of ["b", "c"]) await cluster.apply(resources.deployment, aDeployment(name));
    await eventually("three", () => policies("regopolicy.edge"), "edge-a,edge-b,edge-c");
    const [set] = (await cluster.sets("regopolicy.edge")) ?? [];
    assert.deepEqual(set?.policy, { kind: "TracingPolicy", name: "edge-a" });
    await cluster.apply(resources.deployment, aDeployment("a", { tier: "core" }));
    await eventually("two", () => policies("regopolicy.edge"), "edge-b,edge-c");
    // The other two go at once, which is more than half of what is in force.
    const none = aGenerator("edge", { data: { forbidden: {} } });
    await cluster.apply(regoPolicy, none);
    const held = await cluster.accepted(regoPolicy, "edge", "False DropHeld");
    assert.match(held.message, /^policies: drops 2 of 2 rules in force, more than 50 %;/);
    assert.equal(await policies("regopolicy.edge"), "edge-b,edge-c");
    const annotations = { "guardbee.io/acknowledge-drop": held.rego?.held ?? "" };
    const wrong = { "guardbee.io/acknowledge-drop": "0".repeat(64) };
    await cluster.apply(regoPolicy, { ...none, metadata: { name: "edge", annotations: wrong } });
    await cluster.stopOperator();
    await cluster.startOperator();
    await eventually(
      "still held after a restart",
      async () => (await cluster.status(regoPolicy, "edge")).rego?.held,
      held.rego?.held,
    );
    assert.equal(await policies("regopolicy.edge"), "edge-b,edge-c");
    await cluster.apply(regoPolicy, { ...none, metadata: { name: "edge", annotations } });
    await eventually("none", () => policies("regopolicy.edge"), "");
    await cluster.delete(regoPolicy, "edge");
    await eventually("gone", () => policies("regopolicy.edge"), "none");
  });

  test("Rego that does not compile is InvalidRego with its place, and what held goes on", async () => {
    await cluster.apply(resources.deployment, aDeployment("b"));
    await cluster.apply(regoPolicy, aGenerator("broken"));
    await eventually(
      "before",
      () => policies("regopolicy.broken"),
      (names) => names !== "none",
    );
    const before = await policies("regopolicy.broken");
    const modules = [{ name: "edge.rego", rego: "package guardbee.generate\n\npolicies := x\n" }];
    await cluster.apply(regoPolicy, aGenerator("broken", { modules }));
    const { message } = await cluster.accepted(regoPolicy, "broken", "False InvalidRego");
    assert.match(message, /^edge\.rego:3:\d+: rego_unsafe_var_error: /);
    assert.equal(await policies("regopolicy.broken"), before);
    await cluster.apply(regoPolicy, aGenerator("broken", { limits: { maxRules: 1 } }));
    await cluster.apply(resources.deployment, aDeployment("c"));
    await cluster.accepted(regoPolicy, "broken", "False TooManyRules");
    await assert.rejects(
      cluster.apply(regoPolicy, {
        metadata: { name: "broken" },
        spec: { role: "Guardrail", modules },
      }),
      /has another role than before; make another object for it/,
    );
    await cluster.delete(regoPolicy, "broken");
  });

  test("the exported inventory has workloads, namespaces and nodes", async () => {
    await cluster.apply(resources.deployment, aDeployment("exported"));
    await cluster.apply(resources.node, { metadata: { name: "n", labels: { zone: "edge" } } });
    const signal = new AbortController().signal;
    const { namespaces, nodes, workloads } = await exportInventory(cluster.kube, signal);
    assert.ok(namespaces.some(({ name }) => name === "default"));
    assert.deepEqual(
      nodes.map(({ name, labels }) => ({ name, labels })),
      [{ name: "n", labels: { zone: "edge" } }],
    );
    const [exported] = workloads.filter(({ name }) => name === "exported");
    assert.deepEqual(exported?.containers, [{ name: "main", image: "example/app:1" }]);
  });

  test("a RegoPolicy has one source", async () => {
    const wrong = (spec: object) => cluster.apply(regoPolicy, aGenerator("wrong", spec));
    const both = { bundle: { configMap: { name: "x" } } };
    await assert.rejects(wrong(both), /write either modules or bundle/);
    const two = { configMap: { name: "x" }, http: { url: "https://a" } };
    await assert.rejects(wrong({ modules: undefined, bundle: two }), /write one of configMap/);
  });

  test("what a namespaced generator yields holds in its namespace", async () => {
    const shop = { metadata: { name: "shop" } };
    await cluster.apply(resources.namespace, shop);
    const inShop = aDeployment("a");
    await cluster.apply(resources.deployment, {
      ...inShop,
      metadata: { ...inShop.metadata, namespace: "shop" },
    });
    await cluster.apply(regoPolicyNamespaced, aGenerator("edge", {}, { namespace: "shop" }));
    await cluster.accepted(regoPolicyNamespaced, "edge", "True Accepted", "shop");
    const sets = await cluster.sets("regopolicynamespaced.shop.edge");
    assert.deepEqual(
      sets?.map(({ policy, scope }) => ({ policy, namespaces: scope.pods?.namespaces })),
      [
        {
          policy: { kind: "TracingPolicyNamespaced", namespace: "shop", name: "edge-a" },
          namespaces: ["shop"],
        },
      ],
    );
    await cluster.delete(regoPolicyNamespaced, "edge", "shop");
    await eventually("gone", () => policies("regopolicynamespaced.shop.edge"), "none");
  });

  test("a bundle in a ConfigMap is used, and a wrong signature demand is said", async () => {
    const data = { "edge.rego": edge, "data.json": JSON.stringify({ forbidden: { a: "/a/" } }) };
    const metadata = { name: "edge-rego", namespace: "default" };
    await cluster.apply(resources.configMap, { metadata, data });
    await cluster.grant("configmaps", metadata);
    const bundle = { configMap: metadata };
    const spec = { role: "Generate", evaluate: "PerWorkload", bundle };
    await cluster.apply(regoPolicy, { metadata: { name: "map" }, spec });
    await cluster.accepted(regoPolicy, "map", "True Accepted");
    const publicKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({
      ...({ type: "spki", format: "pem" } as const),
    });
    const keys = [{ id: "k", algorithm: "ES256", publicKey }];
    const signed = { ...spec, bundle: { ...bundle, verification: { keys } } };
    await cluster.apply(regoPolicy, { metadata: { name: "signed" }, spec: signed });
    const refused = await cluster.accepted(regoPolicy, "signed", "Unknown EvaluationFailed");
    assert.match(refused.message, /^NotSigned: /);
    for (const name of ["map", "signed"]) await cluster.delete(regoPolicy, name);
    const kept = async () =>
      (await cluster.list(resources.configMap)).filter(({ metadata }) =>
        metadata.name.startsWith("rego-bundle-"),
      ).length;
    await eventually("nothing kept for what is gone", kept, 0);
  });

  test("the examples are accepted", async () => {
    for (const name of ["edge-paths", "monitor-in-staging"]) {
      const [example] = await readYaml(new URL(`${name}.yaml`, examples));
      await cluster.apply(regoPolicy, example);
      await cluster.accepted(regoPolicy, name, "True Accepted");
    }
    await cluster.apply(resources.deployment, aDeployment("search"));
    await eventually(
      "not without an owner",
      async () => {
        const { conditions } = await cluster.status(regoPolicy, "edge-paths");
        return conditions?.find(({ type }) => type === "Accepted")?.reason;
      },
      "Refused",
    );
    await cluster.delete(regoPolicy, "monitor-in-staging");
    await eventually("covered", () => policies("regopolicy.edge-paths"), "edge-search");
    await cluster.delete(regoPolicy, "edge-paths");
  });

  test("the example of a bundle covers each namespace that asks for it", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "example-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const tarball = join(folder, "bundle.tar.gz");
    const source = fileURLToPath(new URL("protected-paths", examples));
    const built = ["build", "--bundle", source, "--ignore", "*_test.rego", "--output", tarball];
    await promisify(execFile)(opa, built);
    const metadata = { name: "protected-paths", namespace: "guardbee-system" };
    const binaryData = { "bundle.tar.gz": (await readFile(tarball)).toString("base64") };
    await cluster.apply(resources.configMap, { metadata, binaryData });
    const labels = { protect: "keys" };
    await cluster.apply(resources.namespace, { metadata: { name: "vault", labels } });
    const [policy] = await readYaml(new URL("protected-paths.yaml", examples));
    await cluster.apply(regoPolicy, policy);
    const sets = await eventually(
      "its sets",
      () => cluster.sets("regopolicy.protected-paths"),
      (found) => found?.length === 1,
    );
    assert.deepEqual(sets![0]!.scope, { host: false, pods: { namespaces: ["vault"] } });
    await cluster.delete(regoPolicy, "protected-paths");
    await cluster.delete(resources.configMap, metadata.name, metadata.namespace);
  });

  test("both seed policies pass the built-in guard rails, and a kill without a scope does not", async () => {
    const example = async (name: string) =>
      (await readYaml(new URL(`../config/examples/${name}.yaml`, import.meta.url)))[0];
    await cluster.apply(tracingPolicy, await example("deny-tmp-forbidden-write"));
    await cluster.apply(execPolicy, await example("exec-policy-example"));
    await cluster.accepted(tracingPolicy, "deny-tmp-forbidden-write", "True Accepted");
    await cluster.accepted(execPolicy, "exec-policy-example", "True Accepted");
    const everything = { metadata: { name: "all" }, spec: { kprobes: killing("fd_install") } };
    await cluster.apply(tracingPolicy, everything);
    const refused = await cluster.accepted(tracingPolicy, "all", "False Refused");
    assert.match(refused.message, /\(guard rail builtin\/cluster-wide\)/);
    const effects = refused.guardRails?.map(({ name, effect }) => `${effect} by ${name}`);
    assert.deepEqual(effects, [
      "refused by builtin/cluster-wide",
      "refused by builtin/host-protection",
      "warned by builtin/system-namespaces",
    ]);
  });

  test("a guard rail of one's own refuses with its message, and changes", async () => {
    const rego = `package guardbee.guardrail

import rego.v1

decision := {"deny": deny, "mode": "monitor"} if calm
decision := {"deny": deny} if not calm

calm if input.facts.namespaces[input.policy.metadata.namespace].mode == "calm"

deny contains {"field": "metadata.name", "what": "is forbidden", "fix": "choose another"} if {
	input.policy.metadata.name == "forbidden"
}
`;
    const modules = [{ name: "names.rego", rego }];
    await cluster.apply(resources.namespace, {
      metadata: { name: "calm", labels: { mode: "calm" } },
    });
    await cluster.apply(regoPolicy, {
      metadata: { name: "names" },
      spec: { role: "Guardrail", modules },
    });
    await cluster.accepted(regoPolicy, "names", "True Accepted");
    const conditions = { matchArgs: [{ index: 1, operator: "Prefix", values: ["/x/"] }] };
    const spec = { kprobes: killing("fd_install", conditions) };
    await cluster.apply(tracingPolicy, { metadata: { name: "forbidden" }, spec });
    const refused = await cluster.accepted(tracingPolicy, "forbidden", "False Refused");
    assert.equal(
      refused.message,
      "metadata.name: is forbidden (guard rail RegoPolicy names); choose another",
    );
    const resource = resourceOf("TracingPolicyNamespaced");
    await cluster.apply(resource, { metadata: { name: "p", namespace: "calm" }, spec });
    const changed = await cluster.accepted(resource, "p", "True Accepted", "calm");
    assert.deepEqual(changed.guardRails, [
      { name: "RegoPolicy names", effect: "changed", message: "mode: enforce to monitor" },
    ]);
    assert.equal(changed.mode?.requested, "enforce");
    const [set] = (await cluster.sets("tracingpolicynamespaced.calm.p")) ?? [];
    assert.equal(set?.mode, "monitor");
    // One that cannot be evaluated lets nothing through, and drops nothing.
    const broken = [{ name: "names.rego", rego: "package guardbee.guardrail\n\ndecision := x\n" }];
    await cluster.delete(regoPolicy, "names");
    await cluster.apply(regoPolicy, {
      metadata: { name: "broken" },
      spec: { role: "Guardrail", modules: broken },
    });
    await cluster.accepted(regoPolicy, "broken", "False InvalidRego");
    await cluster.apply(tracingPolicy, { metadata: { name: "waiting" }, spec });
    const waiting = await cluster.accepted(tracingPolicy, "waiting", "Unknown EvaluationFailed");
    assert.match(waiting.message, /^guard rail RegoPolicy broken cannot be evaluated: /);
    assert.equal(await cluster.sets("tracingpolicy.waiting"), undefined);
    await cluster.delete(regoPolicy, "broken");
    await cluster.accepted(tracingPolicy, "waiting", "True Accepted");
  });
});
