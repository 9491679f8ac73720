import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { getObject, type KubeObject, resources } from "@guardbee/kube";
import {
  type ExecProposal,
  type NodeExecReport,
  resourceOf,
  type WorkloadExecReport,
} from "@guardbee/policy";
import { whyNoApiServer } from "../kube/testing/api-server.ts";
import { eventually, TestCluster } from "./testing/test-cluster.ts";

const never = new AbortController().signal;
const kind = resourceOf("ExecPolicyNamespaced");
const proposals = resourceOf("ExecProposalNamespaced");
const set = "execpolicynamespaced.shop.web";
const web = { namespace: "shop", kind: "Deployment", name: "web" };
const since = "2026-01-01T00:00:00Z";

function policy(spec: object = {}, allow: readonly object[] = []) {
  return {
    metadata: { name: "web", namespace: "shop" },
    spec: {
      podSelector: { matchLabels: { app: "web" } },
      ...{ mode: "monitor", learn: { minDuration: "1h" }, rules: { allow } },
      ...spec,
    },
  };
}

describe("proposals of what nodes learned, on a real API server", {
  skip: whyNoApiServer(),
}, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await TestCluster.start();
    await cluster.apply(resources.namespace, { metadata: { name: "shop" } });
    for (const node of ["a", "b"]) await cluster.addNode(node);
    await cluster.startOperator({ proposalIntervalMs: 100 });
    await cluster.apply(kind, policy());
    for (const node of ["a", "b"]) {
      await eventually(
        `the set of ${node}`,
        () => setsOf(node),
        (sets) => sets.includes(set),
      );
      await cluster.report(node);
    }
  });
  after(() => cluster?.stop());

  async function setsOf(node: string): Promise<readonly string[]> {
    const found = await getObject(cluster.kube, resourceOf("NodePolicySet"), { name: node }, never);
    return (found?.spec as { sets: string[] } | undefined)?.sets ?? [];
  }

  async function reports(node: string, ...workloads: readonly Partial<WorkloadExecReport>[]) {
    const report: NodeExecReport = {
      policies: [{ set, since, workloads: workloads.map((one) => ({ ...web, ...one })) }],
    };
    await cluster.apply(resourceOf("NodeExecReport"), { metadata: { name: node }, ...report });
  }

  async function proposal(): Promise<(KubeObject & ExecProposal) | undefined> {
    const ref = { name: "web", namespace: "shop" };
    const found = await getObject(cluster.kube, proposals, ref, never);
    return found as (KubeObject & ExecProposal) | undefined;
  }

  const becomes = (what: string, is: (found: KubeObject & ExecProposal) => boolean) =>
    eventually(what, proposal, (found) => found !== undefined && is(found)).then((one) => one!);
  const paths = ({ executables }: ExecProposal) => executables.map(({ path }) => path);

  test("the reports of two nodes are one proposal, which the policy owns", async () => {
    await reports("a", {
      pods: 2,
      sinceStart: 2,
      starts: 3,
      executables: [{ path: "/bin/sh", count: 2 }],
    });
    await reports("b", {
      ...{ pods: 1, sinceStart: 1, starts: 1 },
      executables: [
        { path: "/bin/sh", count: 1 },
        { path: "/usr/bin/curl", parents: ["/bin/sh"], count: 1, denied: true },
      ],
    });
    const found = await becomes("both nodes' report", ({ coverage }) => coverage.pods === 3);
    assert.deepEqual(found.executables, [
      { path: "/bin/sh", workloads: ["Deployment/web"], nodes: 2, count: 3 },
      {
        ...{ path: "/usr/bin/curl", parents: ["/bin/sh"], workloads: ["Deployment/web"] },
        ...{ nodes: 1, count: 1, denied: true },
      },
    ]);
    const covered = await becomes(
      "covered",
      ({ status }) => status?.conditions?.[0]?.status === "True",
    );
    assert.deepEqual(covered.coverage, {
      ...{ pods: 3, sinceStart: 3, restarts: 1, since, summary: "3/3" },
    });
    const owner = await getObject(cluster.kube, kind, { name: "web", namespace: "shop" }, never);
    assert.deepEqual(
      found.metadata.ownerReferences?.map(({ uid }) => uid),
      [owner?.metadata.uid],
    );
  });

  test("nothing is written while nothing changes, and a report that says nothing new is none", async () => {
    const { resourceVersion } = (await proposal())!.metadata;
    const there = await getObject(cluster.kube, resourceOf("NodeExecReport"), { name: "b" }, never);
    const { policies } = there as KubeObject & NodeExecReport;
    await cluster.apply(resourceOf("NodeExecReport"), {
      ...{ metadata: { name: "b", labels: { touched: "true" } }, policies },
    });
    await cluster.apply(resourceOf("NodeExecReport"), { metadata: { name: "gone" }, policies: [] });
    await reports("c", { executables: [{ path: "/bin/of-no-node", count: 1 }] });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.equal((await proposal())!.metadata.resourceVersion, resourceVersion);
  });

  test("what a rule names by now is not proposed any more", async () => {
    await cluster.apply(kind, policy({}, [{ paths: ["/bin/sh"] }]));
    const found = await becomes("without the shell", (one) => !paths(one).includes("/bin/sh"));
    assert.deepEqual(paths(found), ["/usr/bin/curl"]);
  });

  test("what was proposed outlives the node that saw it", async () => {
    await cluster.delete(resourceOf("NodeExecReport"), "b");
    const found = await becomes("of no node", ({ executables }) => executables[0]?.nodes === 0);
    assert.deepEqual(paths(found), ["/usr/bin/curl"]);
  });

  test("with monitor-first a policy enforces by itself, when it is covered", async () => {
    await cluster.delete(resourceOf("NodeExecReport"), "a");
    const { metadata, spec } = policy({ mode: "enforce", learn: { minDuration: "0s" } });
    const annotations = { "guardbee.io/monitor-first": "1s" };
    await cluster.apply(kind, { metadata: { ...metadata, annotations }, spec });
    const trial = async () => {
      for (const node of ["a", "b"]) await cluster.report(node);
      return (await cluster.status(kind, "web", "shop")).trial?.state;
    };
    await eventually("its trial", trial, "Monitoring");
    const lacks = ({ status }: ExecProposal) => status?.conditions?.[0]?.reason === "NoReplicas";
    await eventually(
      "held by both nodes, and not covered",
      async () => {
        await trial();
        const found = await proposal();
        return found !== undefined && lacks(found);
      },
      true,
    );
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    assert.equal(await trial(), "Monitoring");
    await reports("a", { pods: 3, sinceStart: 3, starts: 3 });
    await eventually("enforced", async () => (await cluster.sets(set))?.[0]?.mode, "enforce");
  });

  test("a policy that does not learn any more has no proposal", async () => {
    await cluster.apply(kind, policy({ learn: undefined }));
    await eventually("no proposal", proposal, undefined);
  });
});
