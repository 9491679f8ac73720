import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  type Applied,
  applyObject,
  type KubeConnection,
  type Resource,
  resources,
} from "@guardbee/kube";
import { inScope, type PolicyStatus, resourceOf, type SelectorSet } from "@guardbee/policy";
import { whyNoApiServer } from "../kube/testing/api-server.ts";
import { eventually, TestCluster } from "./testing/test-cluster.ts";

const regoPolicy = resourceOf("RegoPolicy");
const regoPolicyNamespaced = resourceOf("RegoPolicyNamespaced");
const tracingPolicy = resourceOf("TracingPolicy");
const tracingPolicyNamespaced = resourceOf("TracingPolicyNamespaced");
const never = new AbortController().signal;
const key = "k8s:io.kubernetes.pod.namespace";

const hooks = (value: string) => [
  {
    ...{ call: "fd_install", syscall: false, args: [{ index: 1, type: "file" }] },
    selectors: [
      {
        matchArgs: [{ index: 1, operator: "Prefix", values: [value] }],
        matchActions: [{ action: "Sigkill" }],
      },
    ],
  },
];

/** What a generator gives: a policy with these changes to kind, metadata and spec. */
function aResult({ kind = "TracingPolicyNamespaced", metadata = {}, spec = {} }): object {
  return {
    kind,
    metadata: { name: "made", ...metadata },
    spec: { kprobes: hooks("/x/"), ...spec },
  };
}

function generates(policies: readonly object[]): object {
  const rego = `package guardbee.generate\n\npolicies := ${JSON.stringify(policies)}\n`;
  return { role: "Generate", modules: [{ name: "gen.rego", rego }] };
}

function aDeployment(namespace: string, name: string): object {
  const labels = { app: name };
  const containers = [{ name: `${name}-box`, image: `${name}/image:1` }];
  return {
    metadata: { name, namespace, labels },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  };
}

/** Each string that Rego was given, as a path that the policy then names. */
const tellsAll = `package guardbee.generate

policies := [{
	"kind": "TracingPolicyNamespaced",
	"metadata": {"name": name},
	"spec": {"kprobes": [{
		"call": "fd_install",
		"syscall": false,
		"args": [{"index": 1, "type": "file"}],
		"selectors": [{
			"matchArgs": [{"index": 1, "operator": "Prefix", "values": seen}],
			"matchActions": [{"action": "Sigkill"}],
		}],
	}]},
}]

name := object.get(object.get(input, "workload", {}), "name", "all")

seen contains sprintf("/%v", [text]) if {
	walk(input, [path, value])
	some text in {one | some one in path} | {value}
	is_string(text)
}
`;

describe("a namespace's author, tried on a real API server", { skip: whyNoApiServer() }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await TestCluster.start();
    for (const name of ["shop", "bank"]) {
      const labels = { team: `team-${name}` };
      await cluster.apply(resources.namespace, { metadata: { name, labels } });
      await cluster.apply(resources.deployment, aDeployment(name, `${name}-app`));
    }
    const metadata = { name: "n-1", labels: { runs: "bank-app" } };
    await cluster.apply(resources.node, { metadata });
    await cluster.startOperator();
  });
  after(() => cluster?.stop());

  /** Applies a RegoPolicyNamespaced in shop; gives what its conditions say, once they say it. */
  async function says(spec: object, wanted: string): Promise<void> {
    await cluster.apply(regoPolicyNamespaced, { metadata: { name: "p", namespace: "shop" }, spec });
    let status: PolicyStatus = {};
    await eventually(
      wanted,
      async () => {
        status = await cluster.status(regoPolicyNamespaced, "p", "shop");
        return status.conditions?.some(({ message }) => message.includes(wanted)) === true;
      },
      true,
      () => JSON.stringify(status.conditions),
    );
    assert.equal(status.conditions?.find(({ type }) => type === "Ready")?.status === "True", false);
    await cluster.delete(regoPolicyNamespaced, "p", "shop");
    const gone = async () => (await cluster.list(regoPolicyNamespaced)).length;
    await eventually("gone", gone, 0);
    assert.equal(await cluster.sets("regopolicynamespaced.shop.p"), undefined);
  }

  const refused: readonly {
    readonly what: string;
    readonly spec: object;
    readonly says: string;
  }[] = [
    {
      what: "another namespace in metadata",
      spec: generates([aResult({ metadata: { namespace: "bank" } })]),
      says: "policies[0].metadata.namespace: is another namespace; remove it: what this policy generates holds in shop",
    },
    {
      what: "another namespace that is no text",
      spec: generates([aResult({ metadata: { namespace: ["bank"] } })]),
      says: "policies[0].metadata.namespace: is another namespace;",
    },
    {
      what: "a host selector",
      spec: generates([aResult({ spec: { hostSelector: {} } })]),
      says: "policies[0].spec.hostSelector: is given; remove it: what a RegoPolicyNamespaced generates holds for its namespace's pods",
    },
    {
      what: "a node selector",
      spec: generates([aResult({ spec: { nodeSelector: { matchLabels: { a: "b" } } } })]),
      says: "policies[0].spec.nodeSelector: is given in a generated policy;",
    },
    {
      what: "a kind that is no policy",
      spec: generates([aResult({ kind: "SelectorSet" })]),
      says: 'kind: is "SelectorSetNamespaced"; allowed: ',
    },
    {
      what: "a RegoPolicy that would be the cluster's",
      spec: generates([aResult({ kind: "RegoPolicy" })]),
      says: 'kind: is "RegoPolicyNamespaced"; ',
    },
    {
      what: "a ConfigMap in another namespace",
      spec: {
        role: "Generate",
        bundle: { configMap: { name: "rego", namespace: "bank" } },
      },
      says: "spec.bundle.configMap.namespace: is another namespace; remove it",
    },
    {
      what: "a ConfigMap beside the operator",
      spec: {
        role: "Generate",
        bundle: { configMap: { name: "rego", namespace: "guardbee-system" } },
      },
      says: "spec.bundle.configMap.namespace: is another namespace; remove it",
    },
    {
      what: "credentials that are the operator's, over HTTP",
      spec: {
        role: "Generate",
        bundle: { http: { url: "https://127.0.0.1:1/b", credentials: { name: "reader" } } },
      },
      says: "credentials: are for cluster RegoPolicies; use one, or a source without credentials",
    },
    {
      what: "credentials that are the operator's, for a registry",
      spec: {
        role: "Generate",
        bundle: { oci: { reference: "127.0.0.1:1/b:v1", credentials: { name: "reader" } } },
      },
      says: "credentials: are for cluster RegoPolicies; use one, or a source without credentials",
    },
  ];
  for (const { what, spec, says: wanted } of refused) {
    test(`${what} is refused, and named`, () => says(spec, wanted));
  }

  /** Of a scope: its own pods, as far as labels allow, and no others. */
  function staysInShop({ scope }: SelectorSet): void {
    assert.equal(scope.host, false);
    assert.deepEqual(scope.pods?.namespaces, ["shop"]);
    const pod = (namespace: string, labels = {}) => ({ kind: "pod" as const, namespace, labels });
    for (const labels of [{}, { app: "bank-app" }, { [key]: "shop" }]) {
      assert.equal(inScope(scope, pod("bank", labels)), false);
    }
    assert.equal(inScope(scope, { kind: "pod", namespace: "bank" }), false);
    assert.equal(inScope(scope, { kind: "host" }), false);
  }

  const reaching: readonly object[] = [
    { matchLabels: { [key]: "bank" } },
    { matchExpressions: [{ key, operator: "In", values: ["bank", "shop"] }] },
    { matchExpressions: [{ key, operator: "NotIn", values: ["shop"] }] },
    { matchExpressions: [{ key, operator: "Exists" }] },
    { matchLabels: { "io.kubernetes.pod.namespace": "bank" } },
    {},
  ];
  for (const podSelector of reaching) {
    const written = JSON.stringify(podSelector);
    test(`podSelector ${written} holds in no other namespace, generated or by hand`, async () => {
      const kinds = ["TracingPolicyNamespaced", "TracingPolicy"] as const;
      const results = kinds.map((kind, at) =>
        aResult({ kind, metadata: { name: `made-${at}` }, spec: { podSelector } }),
      );
      const metadata = { name: "p", namespace: "shop" };
      await cluster.apply(regoPolicyNamespaced, { metadata, spec: generates(results) });
      const spec = { podSelector, kprobes: hooks("/x/") };
      await cluster.apply(tracingPolicyNamespaced, { metadata, spec });
      for (const [name, count] of [
        ["regopolicynamespaced.shop.p", 2],
        ["tracingpolicynamespaced.shop.p", 1],
      ] as const) {
        const sets = await eventually(
          name,
          () => cluster.sets(name),
          (found) => found?.length === count,
        );
        for (const set of sets!) {
          assert.equal(set.policy.namespace, "shop");
          staysInShop(set);
        }
      }
      await cluster.delete(regoPolicyNamespaced, "p", "shop");
      await cluster.delete(tracingPolicyNamespaced, "p", "shop");
      await eventually(
        "gone",
        async () => (await cluster.list(resourceOf("SelectorSet"))).length,
        0,
      );
    });
  }

  test("a host scope by hand is refused, and named", async () => {
    const metadata = { name: "host", namespace: "shop" };
    const spec = { hostSelector: {}, kprobes: hooks("/x/") };
    await cluster.apply(tracingPolicyNamespaced, { metadata, spec });
    const { message } = await cluster.accepted(
      ...([tracingPolicyNamespaced, "host", "False InvalidSpec", "shop"] as const),
    );
    assert.equal(
      message,
      "spec.hostSelector: is given in a namespaced policy; remove it: a namespaced policy holds only for the pods of its namespace",
    );
    await cluster.delete(tracingPolicyNamespaced, "host", "shop");
  });

  test("a namespace has a quota, which other namespaces and cluster policies do not feel", async () => {
    const values = (count: number, from = 0) =>
      Array.from({ length: count }, (_, i) => `/x/${from + i}/`);
    const spec = (count: number) => {
      const [hook] = hooks("/x/");
      const [selector] = hook!.selectors;
      const [match] = selector!.matchArgs;
      const matchArgs = [{ ...match, values: values(count) }];
      return { kprobes: [{ ...hook, selectors: [{ ...selector, matchArgs }] }] };
    };
    const apply = (namespace: string, name: string, count: number) =>
      cluster.apply(tracingPolicyNamespaced, {
        metadata: { name, namespace },
        spec: spec(count),
      });
    const is = (namespace: string, name: string, wanted: string) =>
      cluster.accepted(tracingPolicyNamespaced, name, wanted, namespace);
    await apply("shop", "first", 9_000);
    await is("shop", "first", "True Accepted");
    await apply("shop", "second", 1_001);
    const { message } = await is("shop", "second", "False QuotaExceeded");
    assert.equal(
      message,
      "metadata.namespace: shop would have 10001 values in its policies, of which this has 1001; at most 10000 in one namespace: remove or shorten others",
    );
    assert.equal(await cluster.sets("tracingpolicynamespaced.shop.second"), undefined);
    await apply("bank", "second", 1_001);
    await is("bank", "second", "True Accepted");
    await cluster.apply(tracingPolicy, { metadata: { name: "second" }, spec: spec(1_001) });
    await cluster.accepted(tracingPolicy, "second", "True Accepted");
    await apply("shop", "second", 1_000);
    await is("shop", "second", "True Accepted");
    await apply("shop", "first", 9_001);
    await is("shop", "first", "False QuotaExceeded");
    const [kept] = (await cluster.sets("tracingpolicynamespaced.shop.first"))!;
    const [condition] = kept!.hooks[0]!.selectors[0]!.conditions;
    assert.ok(condition?.by === "arg");
    assert.equal(condition.values.length, 9_000, "what was in force stays");
    await cluster.delete(tracingPolicy, "second");
    for (const name of ["first", "second"]) {
      await cluster.delete(tracingPolicyNamespaced, name, "shop");
    }
    await cluster.delete(tracingPolicyNamespaced, "second", "bank");
    await eventually("gone", async () => (await cluster.list(resourceOf("SelectorSet"))).length, 0);
  });

  test("a label lifts no guard rail for a namespace's author", async () => {
    const labels = {
      "guardbee.io/allow-system-namespaces": "true",
      "guardbee.io/allow-cluster-wide": "true",
    };
    const metadata = { name: "kill", namespace: "kube-system", labels };
    await cluster.apply(tracingPolicyNamespaced, { metadata, spec: { kprobes: hooks("/x/") } });
    const { message } = await cluster.accepted(
      ...([tracingPolicyNamespaced, "kill", "False Refused", "kube-system"] as const),
    );
    assert.match(message, /^metadata\.namespace: is kube-system, a system namespace, /);
    await cluster.delete(tracingPolicyNamespaced, "kill", "kube-system");
  });

  for (const evaluate of ["PerWorkload", "PerNamespace", "WholeSet"]) {
    test(`a generator sees its own namespace and nothing else, ${evaluate}`, async () => {
      const spec = { role: "Generate", evaluate, modules: [{ name: "all.rego", rego: tellsAll }] };
      await cluster.apply(regoPolicyNamespaced, {
        metadata: { name: "p", namespace: "shop" },
        spec,
      });
      const sets = await eventually(
        "its sets",
        () => cluster.sets("regopolicynamespaced.shop.p"),
        (found) => found?.length === 1,
      );
      const seen = JSON.stringify(sets![0]!.hooks);
      assert.ok(seen.includes("/team-shop"), seen);
      assert.equal(seen.includes("/shop-app/image:1"), evaluate !== "PerNamespace", seen);
      for (const foreign of ["bank", "n-1", "kube-system", "default/"]) {
        assert.equal(seen.includes(foreign), false, `${foreign}: ${seen}`);
      }
      await cluster.delete(regoPolicyNamespaced, "p", "shop");
      await eventually(
        "gone",
        async () => (await cluster.list(resourceOf("SelectorSet"))).length,
        0,
      );
    });
  }

  test("a guard rail is asked about its own namespace's policies, and moves none out of it", async () => {
    const rail = (decision: string) => ({
      metadata: { name: "rail", namespace: "shop" },
      spec: {
        role: "Guardrail",
        modules: [
          { name: "rail.rego", rego: `package guardbee.guardrail\n\ndecision := ${decision}\n` },
        ],
      },
    });
    const sees =
      '{"deny": [concat(" ", ["sees", concat(",", object.keys(input.facts.namespaces))])]}';
    await cluster.apply(regoPolicyNamespaced, rail(sees));
    await cluster.accepted(regoPolicyNamespaced, "rail", "True Accepted", "shop");
    const spec = { kprobes: hooks("/x/") };
    for (const namespace of ["shop", "bank"]) {
      await cluster.apply(tracingPolicyNamespaced, { metadata: { name: "p", namespace }, spec });
    }
    const podSelector = { matchLabels: { app: "x" } };
    await cluster.apply(tracingPolicy, { metadata: { name: "p" }, spec: { ...spec, podSelector } });
    const { message } = await cluster.accepted(
      ...([tracingPolicyNamespaced, "p", "False Refused", "shop"] as const),
    );
    assert.equal(
      message,
      "spec: sees shop (guard rail RegoPolicyNamespaced shop/rail); change the policy",
    );
    await cluster.accepted(tracingPolicyNamespaced, "p", "True Accepted", "bank");
    await cluster.accepted(tracingPolicy, "p", "True Accepted");
    const moves = '{"scope": {"host": false, "pods": {"namespaces": ["bank"]}}}';
    await cluster.apply(regoPolicyNamespaced, rail(moves));
    const held = await cluster.accepted(
      ...([tracingPolicyNamespaced, "p", "Unknown EvaluationFailed", "shop"] as const),
    );
    assert.equal(
      held.message,
      "guard rail RegoPolicyNamespaced shop/rail: gives a scope outside the policy's namespace",
    );
    await cluster.delete(regoPolicyNamespaced, "rail", "shop");
    for (const namespace of ["shop", "bank"]) {
      await cluster.delete(tracingPolicyNamespaced, "p", namespace);
    }
    await cluster.delete(tracingPolicy, "p");
  });

  test("rights in one namespace reach no other, and nothing that the operator writes", async () => {
    const author = await authorIn("shop");
    const write = (resource: Resource, namespace: string | undefined, spec: object) => {
      const metadata = { name: "by-author", ...(namespace === undefined ? {} : { namespace }) };
      return apply(author, resource, { metadata, spec });
    };
    const tracing = { kprobes: hooks("/x/") };
    await write(tracingPolicyNamespaced, "shop", tracing);
    await write(regoPolicyNamespaced, "shop", generates([]));
    for (const attempt of [
      () => write(tracingPolicyNamespaced, "bank", tracing),
      () => write(regoPolicyNamespaced, "bank", generates([])),
      () => write(tracingPolicy, undefined, tracing),
      () => write(regoPolicy, undefined, generates([])),
      () => write(resourceOf("SelectorSet"), undefined, { hash: "0".repeat(64), sets: [] }),
      () => write(resourceOf("NodePolicySet"), undefined, { sets: ["tracingpolicy.x"] }),
    ]) {
      await assert.rejects(attempt(), { status: 403 });
    }
    author.close();
    await cluster.delete(tracingPolicyNamespaced, "by-author", "shop");
    await cluster.delete(regoPolicyNamespaced, "by-author", "shop");
  });

  async function apply(by: KubeConnection, resource: Resource, object: Applied): Promise<void> {
    await applyObject(by, { resource, object }, { fieldManager: "author", force: true }, never);
  }

  /** Somebody who may do anything with the namespaced kinds there. */
  async function authorIn(namespace: string): Promise<KubeConnection> {
    const rbac = { group: "rbac.authorization.k8s.io", version: "v1", namespaced: true };
    const role = { ...rbac, kind: "Role", plural: "roles" };
    const binding = { ...rbac, kind: "RoleBinding", plural: "rolebindings" };
    const metadata = { name: "author", namespace };
    const all = { apiGroups: ["cilium.io", "guardbee.io"], resources: ["*"], verbs: ["*"] };
    await cluster.apply(role, { metadata, rules: [all] });
    const account = { kind: "ServiceAccount", name: "author", namespace: "guardbee-system" };
    const { name, namespace: where } = account;
    const accounts = {
      group: "",
      version: "v1",
      kind: "ServiceAccount",
      plural: "serviceaccounts",
    };
    await cluster.apply(
      { ...accounts, namespaced: true },
      { metadata: { name, namespace: where } },
    );
    const roleRef = { apiGroup: rbac.group, kind: "Role", name: "author" };
    await cluster.apply(binding, { metadata, roleRef, subjects: [account] });
    return cluster.connectAs("author");
  }
});
