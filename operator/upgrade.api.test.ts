import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { getObject, type Resource, resources } from "@guardbee/kube";
import {
  type Hook,
  hashSets,
  resourceOf,
  type SelectorSet,
  type SourceRef,
  setName,
} from "@guardbee/policy";
import { whyNoApiServer } from "../kube/testing/api-server.ts";
import { eventually, readYaml, TestCluster } from "./testing/test-cluster.ts";

const never = new AbortController().signal;
const regoPolicy = resourceOf("RegoPolicy");
const regoPolicyNamespaced = resourceOf("RegoPolicyNamespaced");
const tracingPolicy = resourceOf("TracingPolicy");
const tracingPolicyNamespaced = resourceOf("TracingPolicyNamespaced");
const crdResource: Resource = {
  ...{ group: "apiextensions.k8s.io", version: "v1", namespaced: false },
  ...{ kind: "CustomResourceDefinition", plural: "customresourcedefinitions" },
};

const kprobe = (values: readonly string[], call = "fd_install") => ({
  ...{ call, syscall: false, args: [{ index: 1, type: "file" }] },
  selectors: [
    {
      matchArgs: [{ index: 1, operator: "Prefix", values }],
      matchActions: [{ action: "Sigkill" }],
    },
  ],
});
const paths = (count: number) => Array.from({ length: count }, (_, i) => `/${i}`);
const role = "Generate";
const rego = "package guardbee.generate\n\npolicies := []\n";
const modules = [{ name: "a.rego", rego }];
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

type Stored = {
  readonly what: string;
  readonly resource: Resource;
  readonly name: string;
  readonly namespace?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec: object;
  /** Whether the new CRDs alone refuse it. */
  readonly byCrd?: true;
  /** Of Accepted. */
  readonly want: string;
  readonly says: RegExp;
  /** Of Programmed; default `stays`. */
  readonly programmed?: RegExp;
};

/** What an earlier version took and had put into force, and this one does not take. */
const stored: readonly Stored[] = [
  {
    what: "more values than one condition may list",
    ...{ resource: tracingPolicy, name: "long", byCrd: true },
    spec: { kprobes: [kprobe(paths(10_001))] },
    want: "False InvalidSpec",
    says: /^spec\.kprobes\[0\]\.selectors\[0\]\.matchArgs\[0\]\.values: .*10000/,
  },
  {
    what: "more hooks than one policy may have",
    ...{ resource: tracingPolicy, name: "wide", byCrd: true },
    spec: { kprobes: Array.from({ length: 129 }, () => kprobe(["/x"])) },
    want: "False InvalidSpec",
    says: /^spec\.kprobes: .*128/,
  },
  {
    what: "a null that widens its scope, known from what kubectl noted",
    ...{ resource: tracingPolicy, name: "noted" },
    annotations: { [lastApplied]: '{"spec":{"podSelector":null}}' },
    spec: { kprobes: [kprobe(["/x"])] },
    want: "False InvalidSpec",
    says: /^spec\.podSelector: is empty: without it, the policy holds in every pod; /,
  },
  {
    what: "a hook that namespaces may not have any more",
    ...{ resource: tracingPolicyNamespaced, name: "hooks", namespace: "shop" },
    spec: { kprobes: [kprobe(["/x"], "vfs_write")] },
    want: "False InvalidSpec",
    says: /^spec\.kprobes\[0\]\.call: vfs_write is not for policies of one namespace; /,
  },
  {
    what: "limits above those of a namespace",
    ...{ resource: regoPolicyNamespaced, name: "slow", namespace: "shop", byCrd: true },
    spec: { role, modules, limits: { deadlineMs: 60_000, memoryMiB: 1_024 } },
    want: "False InvalidSpec",
    says: /^spec\.limits\.deadlineMs: /,
  },
  {
    what: "credentials in a Secret without the label",
    ...{ resource: regoPolicy, name: "private" },
    spec: {
      role,
      bundle: { http: { url: "https://bundles.invalid/b", credentials: { name: "bundles" } } },
    },
    want: "Unknown EvaluationFailed",
    says: /guardbee\.io\/bundle-credentials=true/,
    programmed: /^InvalidSource: /, // it is not known what it would come to
  },
];

const stays = /^what was accepted before stays in force on 1 of 1 nodes$/;

const hook: Hook = {
  on: { kind: "kprobe", call: "fd_install", syscall: false },
  args: [],
  selectors: [{ conditions: [], actions: [{ action: "Sigkill" }] }],
} as never;

const refOf = ({ resource, name, namespace }: Stored): SourceRef =>
  ({ kind: resource.kind, name, ...(namespace ? { namespace } : {}) }) as SourceRef;

/** A CRD as one that sets no bounds. */
function withoutBounds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutBounds);
  if (typeof value !== "object" || value === null) return value;
  const bounds = ["maxItems", "maxLength", "maxProperties", "maximum"];
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, one]) => !(bounds.includes(key) && typeof one === "number"))
      .map(([key, one]) => [key, withoutBounds(one)]),
  );
}

describe("an upgrade, on a real API server", { skip: whyNoApiServer() }, () => {
  let cluster: TestCluster;
  const crdNames = [
    "cilium.io_tracingpolicies",
    "cilium.io_tracingpoliciesnamespaced",
    "guardbee.io_regopoliciesnamespaced",
  ];

  /** Applies these CRDs, changed or not, and waits until the API server goes by them. */
  async function useCrds(change: (crd: unknown) => unknown, taken: boolean): Promise<void> {
    for (const name of crdNames) {
      const file = new URL(`../crds/${name}.yaml`, import.meta.url);
      for (const crd of await readYaml(file)) await cluster.apply(crdResource, change(crd));
    }
    for (const one of stored.filter(({ byCrd }) => byCrd)) {
      const isTaken = () =>
        create({ ...one, name: "probe" }).then(
          () => true,
          () => false,
        );
      await eventually(`${one.name} taken`, isTaken, taken);
      await cluster.delete(one.resource, "probe", one.namespace);
    }
  }

  const create = ({ resource, name, namespace, annotations, spec }: Stored) =>
    cluster.apply(resource, {
      metadata: { name, ...(namespace && { namespace }), ...(annotations && { annotations }) },
      spec,
    });

  const setOf = async (one: Stored) => {
    const ref = { name: setName(refOf(one)) };
    return getObject(cluster.kube, resourceOf("SelectorSet"), ref, never);
  };

  before(async () => {
    cluster = await TestCluster.start();
    await cluster.apply(resources.namespace, { metadata: { name: "shop" } });
    const secret = { metadata: { name: "bundles", namespace: "guardbee-system" } };
    await cluster.apply(resources.secret, { ...secret, stringData: { token: "t" } });
    await cluster.grant("secrets", secret.metadata);
    await useCrds(withoutBounds, true);
    for (const one of stored) {
      await create(one);
      const object = await getObject(cluster.kube, one.resource, one, never);
      const { apiVersion, kind, metadata } = object!;
      const owner = { apiVersion, kind, name: one.name, uid: metadata.uid };
      const policy = refOf(one);
      const scope = { host: true, pods: {} };
      const set = {
        policy: { ...policy, kind: "TracingPolicy" },
        mode: "enforce",
        scope,
        hooks: [hook],
      } as unknown as SelectorSet;
      await cluster.apply(resourceOf("SelectorSet"), {
        metadata: {
          name: setName(policy),
          labels: { "app.kubernetes.io/managed-by": "guardbee-operator" },
          ...(one.namespace === undefined ? { ownerReferences: [owner] } : {}),
        },
        spec: { hash: hashSets([set]), sets: [set] },
      });
    }
    await useCrds((crd) => crd, false);
    await cluster.addNode("a");
    await cluster.startOperator();
  });
  after(() => cluster?.stop());

  for (const one of stored) {
    test(`${one.what}: what is in force stays, and the status says why it is refused`, async () => {
      const { resource, name, namespace } = one;
      const before = await setOf(one);
      const { message } = await cluster.accepted(resource, name, one.want, namespace);
      assert.match(message, one.says);
      const after = await setOf(one);
      assert.deepEqual(after?.spec, before?.spec);
      assert.equal(after?.metadata.uid, before?.metadata.uid);
      const wanted = await getObject(
        cluster.kube,
        resourceOf("NodePolicySet"),
        { name: "a" },
        never,
      );
      const { sets } = wanted!.spec as { sets: string[] };
      assert.ok(sets.includes(setName(refOf(one))));
      await cluster.report("a");
      const { programmed = stays } = one;
      await eventually(
        "Programmed",
        async () => {
          const { conditions, mode, nodes } = await cluster.status(resource, name, namespace);
          const found = conditions?.find(({ type }) => type === "Programmed");
          const { message = "" } = found ?? {};
          return `${mode?.observed} ${nodes?.summary} ${programmed.test(message) || message}`;
        },
        "enforce 1/1 true",
      );
    });
  }
});
