import assert from "node:assert/strict";
import https from "node:https";
import { after, before, describe, test } from "node:test";
import {
  applyObject,
  applyStatus,
  getObject,
  type KubeConnection,
  objectPath,
  resources,
} from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy";
import { whyNoApiServer } from "../kube/testing/api-server.ts";
import { webhookConfiguration as configuration } from "./admission/certificates.ts";
import { eventually, TestCluster } from "./testing/test-cluster.ts";

const tracingPolicy = resourceOf("TracingPolicy");
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
      { path: path("other") },
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

  test("the operator reads ConfigMaps of its namespace, follows one, and changes no policy or node", async () => {
    const operator = await cluster.connectAs("guardbee-operator");
    const metadata = { name: "rego", namespace: "default" };
    await cluster.apply(resources.configMap, { metadata });
    await cluster.apply(resources.node, { metadata: { name: "a" } });
    await cluster.apply(resourceOf("NodePolicySet"), {
      metadata: { name: "a" },
      spec: { sets: [] },
    });
    const spec = { kprobes: [{ call: "fd_install", syscall: false }] };
    await cluster.apply(tracingPolicy, { metadata: { name: "p" }, spec });
    const own = "/api/v1/namespaces/guardbee-system";
    const named = (name: string) => ({ fieldSelector: `metadata.name=${name}`, timeoutSeconds: 1 });
    const patch = {
      method: "PATCH",
      query: { fieldManager: "x", force: true },
      contentType: "application/apply-patch+yaml",
    } as const;
    const policy = objectPath(tracingPolicy, { name: "p" });
    const nodeSets = objectPath(resourceOf("NodePolicySet"), { name: "a" });
    const { kind, group, version } = resourceOf("NodePolicySet");
    const status = { apiVersion: `${group}/${version}`, kind, metadata: { name: "a" } };
    const refused: readonly Parameters<KubeConnection["request"]>[0][] = [
      { path: "/api/v1/configmaps" },
      { path: objectPath(resources.configMap, metadata) },
      { path: "/api/v1/namespaces/default/configmaps" },
      { path: `${own}/configmaps`, query: { watch: true } },
      { path: `${own}/configmaps`, query: { watch: true, ...named("other") } },
      { path: "/api/v1/namespaces/default/secrets", query: { watch: true } },
      { path: `${own}/secrets`, query: named("guardbee-webhook") },
      { method: "DELETE", path: objectPath(resources.configMap, metadata) },
      { method: "POST", path: `${own}/serviceaccounts/guardbee-agent/token`, body: { spec: {} } },
      { ...patch, path: policy, body: aPolicy },
      { method: "DELETE", path: policy },
      { ...patch, path: `${nodeSets}/status`, body: { ...status, status: { digest: "d" } } },
      { method: "DELETE", path: objectPath(resources.node, { name: "a" }) },
      { ...patch, path: "/api/v1/nodes/a", body: { apiVersion: "v1", kind: "Node" } },
      { path: "/api/v1/pods" },
    ];
    for (const request of refused) {
      const label = `${request.method ?? "GET"} ${request.path} ${JSON.stringify(request.query)}`;
      await assert.rejects(operator.request(request, never), { status: 403 }, label);
    }
    const ownMap = { name: "rego", namespace: "guardbee-system" };
    await cluster.apply(resources.configMap, { metadata: ownMap });
    await operator.request({ path: objectPath(resources.configMap, ownMap) }, never);
    const query = { watch: true, ...named("guardbee-guard-rails") };
    const watched: string[] = [];
    for await (const line of operator.lines({ path: `${own}/configmaps`, query }, never)) {
      watched.push(line);
    }
    assert.deepEqual(watched, []);
    operator.close();
    await cluster.delete(tracingPolicy, "p");
    await cluster.delete(resourceOf("NodePolicySet"), "a");
    await cluster.delete(resources.node, "a");
  });

  test("an agent reads what it needs and writes the status of its own node alone", async () => {
    for (const name of ["a", "b"]) {
      await cluster.apply(resourceOf("NodePolicySet"), { metadata: { name }, spec: { sets: [] } });
    }
    const pod = { name: "agent-a", namespace: "guardbee-system" };
    const containers = [{ name: "agent", image: "guardbee.invalid/agent:dev" }];
    const spec = { nodeName: "a", serviceAccountName: "guardbee-agent", containers };
    await cluster.apply(resources.pod, { metadata: pod, spec });
    const made = await getObject(cluster.kube, resources.pod, pod, never);
    const agent = await cluster.connectAs("guardbee-agent", {
      ...{ apiVersion: "v1", kind: "Pod", name: pod.name, uid: made?.metadata.uid },
    });
    const write = (name: string) => {
      const object = { metadata: { name }, status: { digest: "d" } };
      const target = { resource: resourceOf("NodePolicySet"), object };
      return applyStatus(agent, target, { fieldManager: "guardbee-agent" }, never);
    };
    const selectorSets = { path: "/apis/guardbee.io/v1alpha1/selectorsets" };
    const kindOf = async () => (await agent.request<{ kind: string }>(selectorSets, never)).kind;
    await eventually("SelectorSets served", kindOf, "SelectorSetList");
    await agent.request(
      { path: "/api/v1/pods", query: { fieldSelector: "spec.nodeName=a" } },
      never,
    );
    const message =
      /an agent writes only what is named after its own node: this token is of node a, not b$/;
    await eventually(
      "refusal by the admission policy",
      () => write("b").then(String, (error: Error) => error.message),
      (answer) => message.test(answer),
    );
    await write("a");
    const report = (name: string) => {
      const object = { metadata: { name }, policies: [] };
      const target = { resource: resourceOf("NodeExecReport"), object };
      return applyObject(agent, target, { fieldManager: "guardbee-agent" }, never);
    };
    await assert.rejects(report("b"), message);
    await report("a");
    const status = async (name: string) =>
      (await getObject(cluster.kube, resourceOf("NodePolicySet"), { name }, never))?.status;
    assert.deepEqual(await status("a"), { digest: "d" });
    const before = await status("b"); // perhaps of before the admission policy was in force
    // Not through another verb, another subresource or a new object either.
    const path = objectPath(resourceOf("NodePolicySet"), { name: "b" });
    const { kind, group, version } = resourceOf("NodePolicySet");
    const identity = { apiVersion: `${group}/${version}`, kind, metadata: { name: "b" } };
    const { resourceVersion } = (await getObject(
      ...([cluster.kube, resourceOf("NodePolicySet"), { name: "b" }, never] as const),
    ))!.metadata;
    const whole = {
      ...identity,
      metadata: { name: "b", resourceVersion },
      status: { digest: "x" },
    };
    const refused: readonly Parameters<KubeConnection["request"]>[0][] = [
      { method: "PUT", path: `${path}/status`, body: whole },
      { method: "PUT", path, body: { ...whole, spec: { sets: [] } } },
      { method: "DELETE", path },
      { path: "/api/v1/secrets" },
      { path: "/apis/cilium.io/v1alpha1/tracingpolicies" },
      {
        ...{ method: "PATCH", path: `${path}/status`, body: { status: { digest: "x" } } },
        contentType: "application/merge-patch+json",
      },
      {
        ...{ method: "POST", path: path.slice(0, path.lastIndexOf("/")) },
        body: { ...identity, metadata: { name: "c" }, spec: { sets: [] } },
      },
    ];
    for (const request of refused) {
      const label = `${request.method ?? "GET"} ${request.path}`;
      await assert.rejects(agent.request(request, never), { status: 403 }, label);
    }
    assert.deepEqual(await status("b"), before);
    agent.close();
    for (const name of ["a", "b"]) await cluster.delete(resourceOf("NodePolicySet"), name);
    await cluster.delete(resources.pod, pod.name, pod.namespace);
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
    await cluster.apply(resourceOf("NodePolicySet"), {
      metadata: { name: "a" },
      spec: { sets: [] },
    });
    const { kind, group, version } = resourceOf("NodePolicySet");
    const object = { apiVersion: `${group}/${version}`, kind, metadata: { name: "a" } };
    const path = objectPath(resourceOf("NodePolicySet"), { name: "a" });
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
      {
        method: "DELETE",
        path: objectPath(resourceOf("SelectorSet"), { name: "tracingpolicy.p" }),
      },
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
    await cluster.delete(resourceOf("NodePolicySet"), "a");
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
