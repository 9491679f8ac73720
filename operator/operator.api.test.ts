import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { after as afterAll, afterEach, before, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  applyObject,
  applyStatus,
  deleteObject,
  getObject,
  isKubeError,
  type KubeConnection,
  type KubeObject,
  objectPath,
  type Resource,
  resources,
} from "@guardbee/kube";
import { hashSets, nodeDigest, type PolicyStatus, type SelectorSet } from "@guardbee/policy";
import pino from "pino";
import { parseAllDocuments } from "yaml";
import { type ApiServer, startApiServer, whyNoApiServer } from "../kube/testing/api-server.ts";
import { runOperator } from "./main.ts";

const log = pino({ level: process.env.LOG_LEVEL ?? "silent" });
const root = new URL("../", import.meta.url);
const never = new AbortController().signal;
const crd: Resource = {
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  namespaced: false,
};
const tester = { fieldManager: "test", force: true };

/** `mode|ready|nodes|reason`, as kubectl's columns show a policy. */
function columns(policy: KubeObject | undefined): string {
  const status = policy?.status as PolicyStatus | undefined;
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  return [status?.mode?.observed, ready?.status, status?.nodes?.summary, ready?.reason].join("|");
}

describe("the operator against a real API server", { skip: whyNoApiServer() }, () => {
  let api: ApiServer;
  let kube: KubeConnection;
  let operatorConnection: KubeConnection;
  let operators: { stop: AbortController; ended: Promise<void> }[] = [];

  before(async () => {
    api = await startApiServer();
    kube = api.connection;
    const crds = (await readdir(new URL("crds/", root))).filter((name) => name.endsWith(".yaml"));
    for (const name of crds) {
      const [object] = await readYaml(new URL(`crds/${name}`, root));
      await applyObject(kube, { resource: crd, object: object! as never }, tester, never);
    }
    const base = new URL("config/base/", root);
    for (const name of (await readdir(base)).filter((one) => one.endsWith(".yaml")).sort()) {
      for (const object of await readYaml(new URL(name, base))) {
        // It would call a Service, which takes a network.
        if (object.kind === "ValidatingWebhookConfiguration") continue;
        await applyObject(
          kube,
          { resource: resourceOf(object), object: object as never },
          tester,
          never,
        );
      }
    }
    for (const resource of [resources.tracingPolicy, resources.nodePolicySet]) {
      await eventually(
        `${resource.plural} served`,
        async () => {
          await list(resource);
          return "served";
        },
        "served",
      );
    }
  });
  before(async () => {
    operatorConnection = api.as(await tokenOf("guardbee-operator"));
  });
  afterAll(() => api?.stop());

  /** A token as the kubelet gets it for a pod on `node`, or for a service account alone. */
  async function tokenOf(account: string, node?: string): Promise<string> {
    const path = `/api/v1/namespaces/guardbee-system/serviceaccounts/${account}/token`;
    const spec = node === undefined ? {} : { boundObjectRef: await podOn(node, account) };
    const answer = await kube.request<{ status: { token: string } }>(
      { method: "POST", path, body: { spec } },
      never,
    );
    return answer.status.token;
  }

  async function podOn(node: string, serviceAccountName: string): Promise<object> {
    const metadata = { name: `agent-${node}`, namespace: "guardbee-system" };
    const containers = [{ name: "agent", image: "guardbee/agent:dev" }];
    const spec = { nodeName: node, serviceAccountName, containers };
    const pod = { metadata, spec };
    const made = await applyObject(kube, { resource: resources.pod, object: pod }, tester, never);
    return { apiVersion: "v1", kind: "Pod", name: metadata.name, uid: made.metadata.uid };
  }

  beforeEach(() => {
    operators = [];
  });
  afterEach(async () => {
    for (const one of operators) one.stop.abort();
    await Promise.all(operators.map((one) => one.ended));
    for (const resource of [
      resources.tracingPolicy,
      resources.execPolicy,
      resources.selectorSet,
      resources.nodePolicySet,
      resources.node,
    ]) {
      for (const { metadata } of await list(resource)) {
        await deleteObject(kube, resource, metadata, never);
      }
    }
    for (const { metadata } of await list(resources.tracingPolicyNamespaced)) {
      await deleteObject(kube, resources.tracingPolicyNamespaced, metadata, never);
    }
    await deleteObject(
      kube,
      resources.lease,
      { name: "guardbee-operator", namespace: "guardbee-system" },
      never,
    );
  });

  /** With the rights that config/base gives it, and no more. */
  function startOperator(identity = "one", unreachableMs = 120_000): AbortController {
    const stop = new AbortController();
    const ended = runOperator(
      {
        connection: operatorConnection,
        log: log.child({ identity }),
        namespace: "guardbee-system",
        identity,
        statusIntervalMs: 200,
        unreachableMs,
      },
      stop.signal,
    );
    operators.push({ stop, ended });
    return stop;
  }

  async function list(resource: Resource): Promise<readonly KubeObject[]> {
    const path = `/${resource.group === "" ? "api" : `apis/${resource.group}`}/${resource.version}/${resource.plural}`;
    return (await kube.request<{ items: KubeObject[] }>({ path }, never)).items;
  }

  async function createNode(name: string, labels: Record<string, string> = {}): Promise<void> {
    const object = { metadata: { name, labels } };
    await applyObject(kube, { resource: resources.node, object }, tester, never);
    const status = {
      conditions: [{ type: "Ready", status: "True", reason: "KubeletReady" }],
      nodeInfo: nodeInfo(name === "debian" ? "6.12.0" : "6.1.0"),
    };
    const target = { resource: resources.node, object: { metadata: { name }, status } };
    await applyStatus(kube, target, tester, never);
  }

  /** Does what an agent does: reports all sets of its node as programmed, but for `exceptions`. */
  async function report(
    node: string,
    exceptions: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const nodeSets = await eventually(
      `NodePolicySet ${node}`,
      () => getObject(kube, resources.nodePolicySet, { name: node }, never),
      (object) => object !== undefined,
    );
    const entries = [];
    const failed = [];
    for (const name of (nodeSets!.spec as { sets: string[] }).sets) {
      const { hash } = await contentOf(name);
      const message = exceptions[name];
      if (message === undefined) entries.push({ name, hash });
      else failed.push({ set: name, hash, state: "failed", reason: "KernelLacks", message });
    }
    const status = { digest: nodeDigest(entries), exceptions: failed };
    const object = { metadata: { name: node }, status };
    const agent = { fieldManager: "guardbee-agent", force: true };
    await applyStatus(kube, { resource: resources.nodePolicySet, object }, agent, never);
  }

  async function apply(resource: Resource, object: unknown): Promise<void> {
    await applyObject(kube, { resource, object: object as never }, tester, never);
  }

  async function showsColumns(resource: Resource, name: string, want: string): Promise<KubeObject> {
    const ref = { name, ...(resource.namespaced ? { namespace: "default" } : {}) };
    let object: KubeObject | undefined;
    await eventually(
      `${resource.kind} ${name}`,
      async () => {
        object = await getObject(kube, resource, ref, never);
        return columns(object);
      },
      want,
    );
    return object!;
  }

  async function contentOf(
    name: string,
  ): Promise<{ hash: string; set: SelectorSet; sets: SelectorSet[] }> {
    const object = await getObject(kube, resources.selectorSet, { name }, never);
    const { hash, sets } = object!.spec as { hash: string; sets: SelectorSet[] };
    return { hash, set: sets[0]!, sets };
  }

  async function setsOf(node: string): Promise<string> {
    const object = await getObject(kube, resources.nodePolicySet, { name: node }, never);
    return ((object?.spec as { sets?: string[] } | undefined)?.sets ?? ["none"]).join(",");
  }

  const seed = "deny-tmp-forbidden-write";
  const seedSet = `tracingpolicy.${seed}`;

  test("both seed policies become Ready on 2/2 nodes when the agents have reported", async () => {
    await createNode("a");
    await createNode("b");
    startOperator();
    await apply(resources.tracingPolicy, await seedPolicy(`${seed}.yaml`));
    await apply(resources.execPolicy, await seedPolicy("exec-policy-example.yaml"));
    await showsColumns(resources.tracingPolicy, seed, "none|Unknown|0/2|Pending");
    await eventually("sets of a", () => setsOf("a"), `execpolicy.exec-policy-example,${seedSet}`);
    await eventually("sets of b", () => setsOf("b"), `execpolicy.exec-policy-example,${seedSet}`);
    await report("a");
    await report("b");
    await showsColumns(resources.tracingPolicy, seed, "enforce|True|2/2|Programmed");
    const exec = await showsColumns(
      resources.execPolicy,
      "exec-policy-example",
      "enforce|True|2/2|Programmed",
    );
    const types = (exec.status as PolicyStatus).conditions?.map(({ type }) => type).sort();
    assert.deepEqual(types, ["Accepted", "Enforcing", "Programmed", "Ready", "ResolvedRefs"]);
    for (const name of [seedSet, "execpolicy.exec-policy-example"]) {
      const { hash, set } = await contentOf(name);
      assert.equal(hashSets([set]), hash, "the API server keeps the content as it is");
    }
    const { set } = await contentOf("execpolicy.exec-policy-example");
    assert.deepEqual(set.scope, { host: false, pods: {} });
  });

  test("a node that cannot hold it: 2/3, NodesFailed, one group with kernel and node", async () => {
    for (const node of ["a", "b", "debian"]) await createNode(node);
    startOperator();
    await apply(resources.tracingPolicy, await seedPolicy(`${seed}.yaml`));
    for (const node of ["a", "b", "debian"]) {
      await eventually(`sets of ${node}`, () => setsOf(node), seedSet);
    }
    await report("a");
    await report("b");
    await report("debian", { [seedSet]: "kprobe_override is not there" });
    const policy = await showsColumns(
      resources.tracingPolicy,
      seed,
      "enforce|False|2/3|NodesFailed",
    );
    assert.deepEqual((policy.status as PolicyStatus).failures, [
      {
        reason: "KernelLacks",
        message: "kprobe_override is not there",
        kernel: "6.12.0",
        arch: "amd64",
        count: 1,
        nodes: ["debian"],
      },
    ]);
  });

  test("a bad policy is refused with its problems, and stops no other", async () => {
    await createNode("a");
    startOperator();
    const bad = { metadata: { name: "bad" }, spec: { kprobes: [kprobe({ selectors: [mask] })] } };
    await apply(resources.tracingPolicy, bad);
    await apply(resources.tracingPolicy, await seedPolicy(`${seed}.yaml`));
    const refused = await showsColumns(
      resources.tracingPolicy,
      "bad",
      "none|False|0/0|NotSupported",
    );
    const accepted = (refused.status as PolicyStatus).conditions?.find(
      ({ type }) => type === "Accepted",
    );
    assert.match(accepted?.message ?? "", /spec\.kprobes\[0\]\.selectors\[0\]\.matchArgs\[0\]/);
    assert.equal(
      await getObject(kube, resources.selectorSet, { name: "tracingpolicy.bad" }, never),
      undefined,
    );
    await eventually("sets of a", () => setsOf("a"), seedSet);
    await report("a");
    await showsColumns(resources.tracingPolicy, seed, "enforce|True|1/1|Programmed");
  });

  test("a bad edit keeps what was accepted before, and says so", async () => {
    await createNode("a");
    startOperator();
    await apply(resources.tracingPolicy, policyOf("p"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p");
    await report("a");
    await showsColumns(resources.tracingPolicy, "p", "enforce|True|1/1|Programmed");
    const bad = { metadata: { name: "p" }, spec: { kprobes: [kprobe({ selectors: [mask] })] } };
    await apply(resources.tracingPolicy, bad);
    const refused = await showsColumns(
      resources.tracingPolicy,
      "p",
      "enforce|False|1/1|NotSupported",
    );
    const message = (refused.status as PolicyStatus).conditions?.find(
      ({ type }) => type === "Programmed",
    )?.message;
    assert.equal(message, "an earlier generation stays in force on 1 of 1 nodes");
  });

  test("a policy of 10,000 values is programmed like any other", async () => {
    await createNode("a");
    startOperator();
    const values = Array.from({ length: 10_000 }, (_, i) => `/data/forbidden/${i}/`);
    await apply(resources.tracingPolicy, policyOf("many", values));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.many");
    await report("a");
    const policy = await showsColumns(
      resources.tracingPolicy,
      "many",
      "enforce|True|1/1|Programmed",
    );
    assert.ok(JSON.stringify(policy.status).length < 4_000);
  });

  test("a nodeSelector picks nodes, and follows their labels", async () => {
    await createNode("a", { zone: "edge" });
    await createNode("b");
    startOperator();
    const { metadata, spec } = policyOf("p");
    const selecting = { ...spec, nodeSelector: { matchLabels: { zone: "edge" } } };
    await apply(resources.tracingPolicy, { metadata, spec: selecting });
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p");
    await eventually("sets of b", () => setsOf("b"), "");
    await createNode("a");
    await eventually("sets of a", () => setsOf("a"), "");
    await showsColumns(resources.tracingPolicy, "p", "none|True|0/0|NoNodes");
    await createNode("b", { zone: "edge" });
    await eventually("sets of b", () => setsOf("b"), "tracingpolicy.p");
  });

  test("deleting a policy, also a namespaced one, removes its set from nodes and API", async () => {
    await createNode("a");
    const stop = startOperator();
    await apply(resources.tracingPolicy, policyOf("p"));
    const namespaced = { ...policyOf("p"), metadata: { name: "p", namespace: "default" } };
    await apply(resources.tracingPolicyNamespaced, namespaced);
    const both = "tracingpolicy.p,tracingpolicynamespaced.default.p";
    await eventually("sets of a", () => setsOf("a"), both);
    await deleteObject(kube, resources.tracingPolicy, { name: "p" }, never);
    await eventually("sets of a", () => setsOf("a"), "tracingpolicynamespaced.default.p");
    // The other one goes while no operator runs.
    stop.abort();
    await operators[0]?.ended;
    await deleteObject(kube, resources.tracingPolicyNamespaced, namespaced.metadata, never);
    startOperator("two");
    await eventually("sets of a", () => setsOf("a"), "");
    await eventually("sets", async () => (await list(resources.selectorSet)).length, 0);
  });

  test("a node that is gone takes its NodePolicySet with it", async () => {
    await createNode("a");
    startOperator();
    await eventually("sets of a", () => setsOf("a"), "");
    await deleteObject(kube, resources.node, { name: "a" }, never);
    await eventually("NodePolicySets", async () => (await list(resources.nodePolicySet)).length, 0);
  });

  test("a silent node becomes unreachable and no longer holds up the rest", async () => {
    await createNode("a");
    await createNode("b");
    startOperator("one", 3_000);
    await apply(resources.tracingPolicy, policyOf("p"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p");
    await report("a");
    await showsColumns(resources.tracingPolicy, "p", "enforce|Unknown|1/2|Pending");
    await showsColumns(resources.tracingPolicy, "p", "enforce|True|1/2|Programmed");
  });

  test("a change of one policy does not move another one's Ready", async () => {
    await createNode("a");
    startOperator();
    await apply(resources.tracingPolicy, policyOf("p"));
    await apply(resources.tracingPolicy, policyOf("q"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p,tracingpolicy.q");
    await report("a");
    await showsColumns(resources.tracingPolicy, "q", "enforce|True|1/1|Programmed");
    const watch = watchReady(resources.tracingPolicy, "q");
    await apply(resources.tracingPolicy, policyOf("p", ["/other/"]));
    await showsColumns(resources.tracingPolicy, "p", "enforce|Unknown|0/1|Pending");
    await report("a");
    await showsColumns(resources.tracingPolicy, "p", "enforce|True|1/1|Programmed");
    assert.deepEqual(await watch.end(), ["True"]);
  });

  test("the leader is killed: the next one takes over and nothing flaps", async () => {
    await createNode("a");
    await createNode("b");
    const first = startOperator("first");
    await apply(resources.tracingPolicy, policyOf("p"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p");
    await eventually("sets of b", () => setsOf("b"), "tracingpolicy.p");
    await report("a");
    await report("b");
    await showsColumns(resources.tracingPolicy, "p", "enforce|True|2/2|Programmed");
    const watch = watchReady(resources.tracingPolicy, "p");
    startOperator("second");
    first.abort();
    await operators[0]?.ended;
    await apply(resources.tracingPolicy, policyOf("q"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p,tracingpolicy.q");
    await report("a");
    await report("b");
    await showsColumns(resources.tracingPolicy, "q", "enforce|True|2/2|Programmed");
    assert.deepEqual(await watch.end(), ["True"]);
  });

  test("the leader dies without a word: the next one writes, and nothing flaps", async (t) => {
    await createNode("a");
    const script = `
      import { connectWith } from "@guardbee/kube";
      import { runOperator } from "@guardbee/operator";
      import pino from "pino";
      const connection = connectWith({
        server: new URL(process.env.API_URL),
        namespace: "guardbee-system",
        current: async () => ({
          headers: { authorization: "Bearer " + process.env.API_TOKEN },
          tls: { rejectUnauthorized: false },
        }),
      });
      const log = pino({ level: "silent" });
      await runOperator({ connection, log, identity: "victim" }, new AbortController().signal);`;
    const env = {
      ...process.env,
      API_URL: api.url.href,
      API_TOKEN: await tokenOf("guardbee-operator"),
    };
    const args = ["--input-type=module", "-e", script];
    const victim = spawn(process.execPath, args, { cwd: root, env, stdio: "inherit" });
    t.after(() => victim.kill("SIGKILL"));
    await apply(resources.tracingPolicy, policyOf("p"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p");
    await report("a");
    await showsColumns(resources.tracingPolicy, "p", "enforce|True|1/1|Programmed");
    const watch = watchReady(resources.tracingPolicy, "p");
    startOperator("heir");
    await sleep(3_000); // it follows
    victim.kill("SIGKILL");
    await apply(resources.tracingPolicy, policyOf("q"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p,tracingpolicy.q");
    assert.deepEqual(await watch.end(), ["True"]);
  });

  test("a SelectorSet that somebody edited is put right", async () => {
    await createNode("a");
    startOperator();
    await apply(resources.tracingPolicy, policyOf("p"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p");
    const { hash, set } = await contentOf("tracingpolicy.p");
    const metadata = { name: "tracingpolicy.p" };
    const spec = { hash, sets: [{ ...set, mode: "monitor" }] };
    await apply(resources.selectorSet, { metadata, spec });
    await eventually("mode", async () => (await contentOf("tracingpolicy.p")).set.mode, "enforce");
  });

  test("the API server restarts: the operator goes on by itself", async () => {
    await createNode("a");
    startOperator();
    await apply(resources.tracingPolicy, policyOf("p"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p");
    await api.restart();
    await report("a");
    await showsColumns(resources.tracingPolicy, "p", "enforce|True|1/1|Programmed");
    await apply(resources.tracingPolicy, policyOf("q"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p,tracingpolicy.q");
  });

  test("nothing changes: nothing is written", async () => {
    await createNode("a");
    startOperator();
    await apply(resources.tracingPolicy, policyOf("p"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p");
    await report("a");
    await showsColumns(resources.tracingPolicy, "p", "enforce|True|1/1|Programmed");
    const versions = async () =>
      [
        ...(await list(resources.tracingPolicy)),
        ...(await list(resources.selectorSet)),
        ...(await list(resources.nodePolicySet)),
      ].map(({ metadata }) => metadata.resourceVersion);
    const before = await versions();
    operators[0]?.stop.abort();
    await operators[0]?.ended;
    startOperator("again");
    await sleep(3_000); // there is no event for "nothing happens"
    assert.deepEqual(await versions(), before);
  });

  test("an agent reads what it needs and writes the status of its own node alone", async () => {
    await createNode("a");
    await createNode("b");
    startOperator();
    for (const node of ["a", "b"]) await eventually(`sets of ${node}`, () => setsOf(node), "");
    const agent = api.as(await tokenOf("guardbee-agent", "a"));
    const write = (node: string) => {
      const object = { metadata: { name: node }, status: { digest: "d" } };
      const target = { resource: resources.nodePolicySet, object };
      return applyStatus(agent, target, { fieldManager: "guardbee-agent" }, never);
    };
    await eventually("admission", () => write("b").catch(statusOf), 403);
    await assert.rejects(write("b"), {
      status: 403,
      message:
        /an agent writes only the NodePolicySet of its own node: this token is of node a, not b$/,
    });
    await write("a");
    await agent.request({ path: "/apis/guardbee.io/v1alpha1/selectorsets" }, never);
    const own = { fieldSelector: "spec.nodeName=a" };
    await agent.request({ path: "/api/v1/pods", query: own }, never);
    const nodeSets = { resource: resources.nodePolicySet, object: { metadata: { name: "a" } } };
    const refused = applyObject(agent, nodeSets, { fieldManager: "guardbee-agent" }, never);
    await assert.rejects(refused, { status: 403 });
    const secrets = { path: "/api/v1/secrets" };
    await assert.rejects(agent.request(secrets, never), { status: 403 });
    await assert.rejects(operatorConnection.request(secrets, never), { status: 403 });
    const policies = { path: "/apis/cilium.io/v1alpha1/tracingpolicies" };
    await assert.rejects(agent.request(policies, never), { status: 403 });
    agent.close();
  });

  /** Collects the different values of Ready of one policy until `end`. */
  function watchReady(resource: Resource, name: string): { end(): Promise<readonly string[]> } {
    const stop = new AbortController();
    const seen: string[] = [];
    const path = objectPath(resource, { name }).replace(/\/[^/]+$/, "");
    const query = { watch: true, fieldSelector: `metadata.name=${name}` };
    const watching = (async () => {
      try {
        for await (const line of kube.lines({ path, query }, stop.signal)) {
          const { object } = JSON.parse(line) as { object: KubeObject };
          const value = columns(object).split("|")[1] ?? "";
          if (seen.at(-1) !== value) seen.push(value);
        }
      } catch (error) {
        if (!stop.signal.aborted) throw error;
      }
    })();
    return {
      async end() {
        await sleep(500); // what was written last is on its way
        stop.abort();
        await watching;
        return seen;
      },
    };
  }
});

/** Waits until `look` gives `want` (a value, or a test of it); at most 30 s. */
async function eventually<T>(
  what: string,
  look: () => Promise<T>,
  want: T | ((value: T) => boolean),
): Promise<T> {
  let last: unknown;
  for (let tries = 0; tries < 300; tries++) {
    try {
      const value = await look();
      last = value;
      const good = typeof want === "function" ? (want as (v: T) => boolean)(value) : value === want;
      if (good) return value;
    } catch (error) {
      if (!isKubeError(error, 404)) last = error;
    }
    await sleep(100);
  }
  throw new Error(`${what}: is still ${String(last)}; wanted ${String(want)}`);
}

async function readYaml(file: URL): Promise<readonly Record<string, unknown>[]> {
  const documents = parseAllDocuments(await readFile(file, "utf8"));
  return (documents as { toJS(): Record<string, unknown> }[]).map((one) => one.toJS());
}

async function seedPolicy(name: string): Promise<unknown> {
  const [object] = await readYaml(new URL(`config/examples/${name}`, root));
  return object;
}

function statusOf(error: unknown): number | undefined {
  return (error as { status?: number }).status;
}

/** Enough of the API's discovery for the kinds of config/base. */
function resourceOf(object: Record<string, unknown>): Resource {
  const version = String(object.apiVersion);
  const kind = String(object.kind);
  const [group, name] = version.includes("/") ? version.split("/") : ["", version];
  const plural = `${kind.toLowerCase().replace(/y$/, "ie")}s`;
  const namespaced = (object.metadata as { namespace?: string }).namespace !== undefined;
  return { group: group!, version: name!, kind, plural, namespaced };
}

const mask = { matchArgs: [{ index: 0, operator: "Mask", values: ["1"] }] };

function kprobe(more: object): object {
  return { call: "fd_install", syscall: false, args: [{ index: 0, type: "int" }], ...more };
}

/** A policy that kills whoever opens a file below one of `values`. */
function policyOf(name: string, values: readonly string[] = ["/tmp/forbidden/"]) {
  const args = [
    { index: 0, type: "int" },
    { index: 1, type: "file" },
  ];
  const selectors = [
    {
      matchArgs: [{ index: 1, operator: "Prefix", values }],
      matchActions: [{ action: "Sigkill" }],
    },
  ];
  return { metadata: { name }, spec: { kprobes: [kprobe({ args, selectors })] } };
}

function nodeInfo(kernelVersion: string): Record<string, string> {
  return {
    kernelVersion,
    architecture: "amd64",
    bootID: "",
    containerRuntimeVersion: "",
    kubeProxyVersion: "",
    kubeletVersion: "",
    machineID: "",
    operatingSystem: "linux",
    osImage: "",
    systemUUID: "",
  };
}
