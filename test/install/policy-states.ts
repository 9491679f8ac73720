// Every state of every kind of policy, as the operator writes it into a real API server.
//   node test/install/policy-states.ts    rewrites the testdata of config/argocd
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { getObject, type KubeObject } from "@guardbee/kube";
import type { PolicyStatus } from "@guardbee/policy";
import { stringify } from "yaml";
import { outputPaths } from "../../build/tools/ensure-built.ts";
import { eventually, TestCluster } from "../../operator/testing/test-cluster.ts";
import { itemNamed } from "../e2e/lab/items.ts";
import { createNode, reportSets, setsOf } from "./fake-nodes.ts";
import { root } from "./lab-programs.ts";
import { type Subject, subjects } from "./policy-subjects.ts";

/** In the order in which they come about. */
export const stateNames = [
  "progressing_new",
  "progressing_nodesPending",
  "degraded_oneNodeOfTwo",
  "degraded_nodesFailed",
  "healthy",
  "progressing_edited",
  "degraded_refused",
  "progressing_deleting",
] as const;
export type StateName = (typeof stateNames)[number];

export type States = Readonly<Record<StateName, readonly KubeObject[]>>;

/** To be with the cluster while it is in a state. */
export type Visit = (state: StateName, objects: readonly KubeObject[]) => Promise<void>;

const never = new AbortController().signal;
const opa = () => outputPaths(itemNamed("opa")).opa!;

/** All subjects in each state, on two nodes; `visit` sees them as they are, with their access. */
export async function captureStates(
  visit: (cluster: TestCluster) => Visit = () => async () => {},
): Promise<States> {
  const cluster = await TestCluster.start();
  const states = {} as Record<StateName, readonly KubeObject[]>;
  const seen = async (state: StateName): Promise<void> => {
    const objects = await Promise.all(subjects.map((subject) => read(cluster, subject)));
    states[state] = objects.map(withoutChance);
    await visit(cluster)(state, objects);
  };
  try {
    for (const node of ["a", "b"]) await createNode(cluster, node);
    for (const { resource, good } of subjects) await cluster.apply(resource, good);
    await seen("progressing_new");
    await cluster.startOperator({ opa: opa() });
    await become(cluster, "Unknown Pending Reconciling");
    await seen("progressing_nodesPending");
    await reportAll(cluster, "a", { failing: true });
    await become(cluster, "False NodesFailed Reconciling");
    await seen("degraded_oneNodeOfTwo");
    await reportAll(cluster, "b", { failing: false });
    await become(cluster, "False NodesFailed Stalled");
    await seen("degraded_nodesFailed");
    await reportAll(cluster, "a", { failing: false });
    await become(cluster, "True Programmed");
    await seen("healthy");
    await cluster.stopOperator();
    for (const { resource, bad } of subjects) await cluster.apply(resource, bad);
    await seen("progressing_edited");
    await cluster.startOperator({ opa: opa() });
    await become(cluster, "False (InvalidSpec|NotSupported|InvalidRego) Stalled");
    await seen("degraded_refused");
    await cluster.stopOperator();
    for (const { resource, bad } of subjects) {
      const metadata = { ...bad.metadata, finalizers: ["example.com/hold"] };
      await cluster.apply(resource, { ...bad, metadata });
      await cluster.delete(resource, metadata.name, metadata.namespace);
    }
    await seen("progressing_deleting");
    return states;
  } finally {
    await cluster.stop();
  }
}

/** File of a state below config/argocd. */
export function testdataPath(object: KubeObject, state: StateName): string {
  const group = object.apiVersion!.split("/")[0]!;
  return join(root, "config/argocd", group, object.kind!, "testdata", `${state}.yaml`);
}

/** Waits until `Ready` of all is `STATUS REASON`, with the other condition named, if any. */
async function become(cluster: TestCluster, wanted: string): Promise<void> {
  const pattern = new RegExp(`^${wanted}$`);
  for (const subject of subjects) {
    await eventually(
      `${subject.resource.kind} in state ${wanted}`,
      async () => summary((await read(cluster, subject)) as { readonly status?: PolicyStatus }),
      (text) => pattern.test(text),
    );
  }
}

function summary({ status }: { readonly status?: PolicyStatus }): string {
  const conditions = status?.conditions ?? [];
  const ready = conditions.find(({ type }) => type === "Ready");
  const temporary = conditions.filter(({ type }) => /^(Stalled|Reconciling)$/.test(type));
  return [ready?.status, ready?.reason, ...temporary.map(({ type }) => type)].join(" ");
}

async function read(cluster: TestCluster, { resource, good }: Subject): Promise<KubeObject> {
  return (await getObject(cluster.kube, resource, good.metadata, never))!;
}

/** Once the node is to hold every subject. */
async function reportAll(
  cluster: TestCluster,
  node: string,
  how: { readonly failing: boolean },
): Promise<void> {
  await eventually(
    `sets of ${node}`,
    () => setsOf(cluster, node),
    (sets) => sets.length === subjects.length,
  );
  await reportSets(cluster, node, how);
}

/** Times are one, and what differs in every cluster is gone. */
function withoutChance(object: KubeObject): KubeObject {
  const text = JSON.stringify(object, (key, value) => {
    if (key === "managedFields" || key === "uid" || key === "resourceVersion") return undefined;
    return /(Timestamp|Time|At)$/.test(key) ? "2026-01-01T00:00:00Z" : value;
  });
  return JSON.parse(text);
}

if (import.meta.main) {
  const states = await captureStates();
  for (const state of stateNames) {
    for (const object of states[state]) {
      const path = testdataPath(object, state);
      mkdirSync(dirname(path), { recursive: true });
      const header = "# @generated by node test/install/policy-states.ts. Do not edit.\n";
      writeFileSync(path, header + stringify(object, { lineWidth: 0 }));
    }
  }
}
