import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { getObject, type KubeObject } from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy";
import { kubeconfigFor } from "../../cli/cluster/testing/three-nodes.ts";
import { TestCluster } from "../../operator/testing/test-cluster.ts";
import { PolicyApplication, seeds } from "./argocd-application.ts";
import { ArgoCd, argocdItems } from "./argocd-controller.ts";
import { createNode, followSets } from "./fake-nodes.ts";
import { whyNotBuilt } from "./lab-programs.ts";

const skip = whyNotBuilt("etcd", "kubernetes", "opa", ...argocdItems);
const never = new AbortController().signal;
const { tracing, exec } = seeds;

/** test/e2e/lifecycle has the same in a cluster with kubelets and kernels. */
describe("Argo CD syncs policies from git", { skip, timeout: 300_000 }, () => {
  let cluster: TestCluster;
  let argo: ArgoCd;
  let app: PolicyApplication;
  const stop = new AbortController();
  let agent: Promise<void>;

  before(async () => {
    cluster = await TestCluster.start();
    await createNode(cluster, "a");
    await cluster.startOperator();
    agent = followSets(cluster, "a", stop.signal);
    argo = new ArgoCd(kubeconfigFor(cluster.access));
    app = new PolicyApplication(argo);
    await argo.start();
    // No garbage collector runs here, which a deletion in the foreground waits for.
    app.create({ syncOptions: ["PrunePropagationPolicy=background"] });
  });
  after(async () => {
    stop.abort();
    await agent;
    await argo?.stop();
    await cluster?.stop();
    app?.remove();
  });

  test("both seed policies become Synced and Healthy", async () => {
    const healthy = "Healthy in force on 1 of 1 nodes";
    await app.becomes({ app: "Synced Healthy", [tracing.name]: healthy, [exec.name]: healthy });
  });

  test("nothing changes while nothing changes in git, and what we generate is not tracked", async () => {
    const earlier = await versions();
    for (let times = 0; times < 3; times++) {
      await app.refresh("hard");
      await app.becomes({ app: "Synced Healthy" });
    }
    assert.deepEqual(await versions(), earlier);
    const sets = await cluster.list(resourceOf("SelectorSet"));
    const tracked = sets.filter(({ metadata }) => /argocd/.test(JSON.stringify(metadata)));
    assert.deepEqual(
      { sets: sets.length, tracked: tracked.map(({ metadata }) => metadata.name) },
      { sets: 2, tracked: [] },
    );
  });

  test("a broken policy is Degraded with our message, and Healthy again once fixed", async () => {
    const good = app.read(tracing.file);
    await app.change(tracing.file, good.replace('operator: "Prefix"', 'operator: "Mask"'));
    const message =
      "spec.kprobes[0].selectors[0].matchArgs[0].operator: Mask does not apply to type file; allowed: Equal, NotEqual, Prefix, NotPrefix, Postfix, NotPostfix, SubString, SubStringIgnCase, FileType, NotFileType, CelExpr";
    await app.becomes({ app: "Synced Degraded", [tracing.name]: `Degraded ${message}` });
    await app.change(tracing.file, good);
    await app.becomes({ app: "Synced Healthy" });
  });

  test("what somebody deletes or edits is put right", async () => {
    argo.kubectl("delete", "tracingpolicy", tracing.name);
    await argo.eventually("it to be back", async () => (await policy()) !== undefined);
    await app.becomes({ app: "Synced Healthy" });
    const hooks = [{ op: "replace", path: "/spec/kprobes/0/call", value: "security_file_open" }];
    argo.kubectl(
      "patch",
      "tracingpolicy",
      tracing.name,
      "--type=json",
      "-p",
      JSON.stringify(hooks),
    );
    await argo.eventually("the edit to be undone", async () => {
      const { kprobes } = (await policy())!.spec as { kprobes: { call: string }[] };
      return kprobes[0]!.call === "fd_install";
    });
    await app.becomes({ app: "Synced Healthy" });
  });

  test("a file removed from git takes its policy and its SelectorSet along", async () => {
    await app.change(tracing.file, undefined);
    await argo.eventually("the policy to be gone", async () => (await policy()) === undefined);
    await argo.eventually("its set to be gone", async () => {
      const sets = await cluster.list(resourceOf("SelectorSet"));
      return sets.map(({ metadata }) => metadata.name).join() === `execpolicy.${exec.name}`;
    });
    await app.becomes({ app: "Synced Healthy" });
  });

  async function policy(): Promise<KubeObject | undefined> {
    return getObject(cluster.kube, resourceOf("TracingPolicy"), { name: tracing.name }, never);
  }

  /** Resource versions of both policies: another one after any write. */
  async function versions(): Promise<readonly (string | undefined)[]> {
    const kinds = [resourceOf("TracingPolicy"), resourceOf("ExecPolicy")];
    const objects = (await Promise.all(kinds.map((kind) => cluster.list(kind)))).flat();
    return objects.map(({ metadata }) => metadata.resourceVersion);
  }
});
