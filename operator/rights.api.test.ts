import assert from "node:assert/strict";
import https from "node:https";
import { after, before, describe, test } from "node:test";
import { type KubeConnection, objectPath, resources } from "@guardbee/kube";
import { whyNoApiServer } from "../kube/testing/api-server.ts";
import { webhookConfiguration as configuration } from "./admission/certificates.ts";
import { eventually, TestCluster } from "./testing/test-cluster.ts";

const { tracingPolicy } = resources;
const never = new AbortController().signal;
const aPolicy = {
  apiVersion: "cilium.io/v1alpha1",
  kind: "TracingPolicy",
  metadata: { name: "p" },
};

describe("rights in config/base, tried on a real API server", { skip: whyNoApiServer() }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await TestCluster.start();
  });
  after(() => cluster?.stop());

  test("the operator touches one Secret and one webhook configuration, and no other", async () => {
    const operator = await cluster.connectAs("guardbee-operator");
    await cluster.apply(configuration, { metadata: { name: "guardbee" } });
    await cluster.apply(configuration, { metadata: { name: "other" } });
    const secret = { metadata: { namespace: "guardbee-system", name: "other" } };
    await cluster.apply(resources.secret, secret);
    await cluster.apply(resources.secret, { metadata: { namespace: "default", name: "other" } });
    const path = (name: string, namespace = "guardbee-system") =>
      objectPath(resources.secret, { namespace, name });
    const contentType = "application/apply-patch+yaml";
    const query = { fieldManager: "x", force: true };
    const config = (name: string) => objectPath(configuration, { name });
    const applied = { apiVersion: "admissionregistration.k8s.io/v1", kind: configuration.kind };
    const patch = { method: "PATCH", query, contentType } as const;
    const refused: readonly Parameters<KubeConnection["request"]>[0][] = [
      { path: "/api/v1/secrets" },
      { path: "/api/v1/namespaces/guardbee-system/secrets" },
      { path: "/api/v1/namespaces/default/secrets/other" },
      { path: "/api/v1/namespaces/kube-system/secrets/other" },
      { method: "PUT", path: path("other"), body: { ...secret, apiVersion: "v1", kind: "Secret" } },
      { method: "POST", path: path("").slice(0, -1), body: { metadata: { name: "new" } } },
      { method: "DELETE", path: path("guardbee-webhook") },
      { ...patch, path: path("guardbee-webhook"), body: { apiVersion: "v1", kind: "Secret" } },
      { ...patch, path: config("other"), body: { ...applied, metadata: { name: "other" } } },
      { ...patch, path: config("new"), body: { ...applied, metadata: { name: "new" } } },
      { method: "DELETE", path: config("guardbee") },
      { path: "/api/v1/namespaces/default/pods" },
    ];
    for (const request of refused) {
      const label = `${request.method ?? "GET"} ${request.path}`;
      await assert.rejects(operator.request(request, never), { status: 403 }, label);
    }
    await operator.request({ path: path("guardbee-webhook") }, never);
    operator.close();
    await cluster.delete(configuration, "other");
  });

  test("the operator's requests do not queue with those of the agents", async () => {
    const priority = { group: "flowcontrol.apiserver.k8s.io", version: "v1", namespaced: false };
    const kind = { kind: "PriorityLevelConfiguration", plural: "prioritylevelconfigurations" };
    const levels = await cluster.list({ ...priority, ...kind });
    const nameOf = new Map(levels.map(({ metadata }) => [metadata.uid, metadata.name]));
    const levelOf = async (account: string, path: string) => {
      const uid = await priorityLevel(cluster.access.server, await cluster.tokenOf(account), path);
      return nameOf.get(uid);
    };
    const leases = "/apis/coordination.k8s.io/v1/namespaces/guardbee-system/leases/x";
    const sets = "/apis/guardbee.io/v1alpha1/selectorsets";
    await eventually("lease", () => levelOf("guardbee-operator", leases), "leader-election");
    await eventually("sets", () => levelOf("guardbee-operator", sets), "workload-high");
    assert.equal(await levelOf("guardbee-agent", sets), "workload-low");
  });

  test("an agent's token without a node writes no status, and no token of an agent writes more", async () => {
    const agent = await cluster.connectAs("guardbee-agent");
    await cluster.apply(resources.nodePolicySet, { metadata: { name: "a" }, spec: { sets: [] } });
    const { kind, group, version } = resources.nodePolicySet;
    const object = { apiVersion: `${group}/${version}`, kind, metadata: { name: "a" } };
    const path = objectPath(resources.nodePolicySet, { name: "a" });
    const contentType = "application/apply-patch+yaml";
    const patch = { method: "PATCH", query: { fieldManager: "x" }, contentType } as const;
    const status = { ...object, status: { digest: "d" } };
    await eventually(
      "refusal by the admission policy",
      () =>
        agent.request({ ...patch, path: `${path}/status`, body: status }, never).then(
          () => "written",
          (error: Error) => error.message,
        ),
      (answer) => answer.endsWith("this token is of node (none), not a"),
    );
    const policy = objectPath(tracingPolicy, { name: "p" });
    const refused: readonly Parameters<KubeConnection["request"]>[0][] = [
      { ...patch, path, body: { ...object, spec: { sets: [] } } },
      { method: "DELETE", path },
      { method: "DELETE", path: objectPath(resources.selectorSet, { name: "tracingpolicy.p" }) },
      { ...patch, path: policy, body: aPolicy },
      { ...patch, path: `${policy}/status`, body: aPolicy },
      {
        path: objectPath(resources.secret, {
          namespace: "guardbee-system",
          name: "guardbee-webhook",
        }),
      },
      { path: "/api/v1/namespaces/guardbee-system/configmaps" },
      {
        method: "POST",
        path: "/api/v1/namespaces/guardbee-system/serviceaccounts/guardbee-operator/token",
        body: { spec: {} },
      },
    ];
    for (const request of refused) {
      const label = `${request.method ?? "GET"} ${request.path}`;
      await assert.rejects(agent.request(request, never), { status: 403 }, label);
    }
    agent.close();
    await cluster.delete(resources.nodePolicySet, "a");
  });
});

/** The uid of the priority level at which the API server answered. */
function priorityLevel(server: string, token: string, path: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    https
      .get(new URL(path, server), { headers, rejectUnauthorized: false }, (answer) => {
        answer.resume();
        resolve(String(answer.headers["x-kubernetes-pf-prioritylevel-uid"]));
      })
      .on("error", reject);
  });
}
