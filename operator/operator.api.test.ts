import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after as afterAll, afterEach, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  getObject,
  type KubeConnection,
  type KubeObject,
  objectPath,
  observeRequests,
  type Resource,
  resources,
} from "@guardbee/kube";
import { hashSets, type PolicyStatus, resourceOf, type SelectorSet } from "@guardbee/policy";
import { whyNoApiServer } from "../kube/testing/api-server.ts";
import { eventually, readYaml, TestCluster } from "./testing/test-cluster.ts";

const root = new URL("../", import.meta.url);
const never = new AbortController().signal;

/** `mode|ready|nodes|reason`, as kubectl's columns show a policy. */
function columns(status: PolicyStatus | undefined): string {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  return [status?.mode?.observed, ready?.status, status?.nodes?.summary, ready?.reason].join("|");
}

describe("the operator against a real API server", { skip: whyNoApiServer() }, () => {
  let cluster: TestCluster;

  before(async () => {
    cluster = await TestCluster.start();
  });
  afterAll(() => cluster?.stop());
  afterEach(async () => {
    await cluster.stopOperator();
    for (const resource of [
      resourceOf("TracingPolicy"),
      resourceOf("TracingPolicyNamespaced"),
      resourceOf("ExecPolicy"),
      resourceOf("SelectorSet"),
      resourceOf("NodePolicySet"),
      resources.node,
    ]) {
      for (const { metadata } of await cluster.list(resource)) {
        await cluster.delete(resource, metadata.name, metadata.namespace);
      }
    }
    await cluster.delete(resources.lease, "guardbee-operator", "guardbee-system");
  });

  /** One of several, of which the holder of the Lease leads. */
  const startReplica = (identity: string, connection?: KubeConnection) =>
    cluster.startOperator({
      ...{ leaderElection: "lease", identity },
      ...(connection === undefined ? {} : { connection }),
    });

  async function showsColumns(
    resource: Resource,
    name: string,
    want: string,
  ): Promise<PolicyStatus> {
    let status: PolicyStatus = {};
    await eventually(
      `${resource.kind} ${name}`,
      async () => {
        status = await cluster.status(resource, name);
        return columns(status);
      },
      want,
    );
    return status;
  }

  async function contentOf(name: string): Promise<{ hash: string; set: SelectorSet }> {
    const object = await getObject(cluster.kube, resourceOf("SelectorSet"), { name }, never);
    const { hash, sets } = object!.spec as { hash: string; sets: SelectorSet[] };
    return { hash, set: sets[0]! };
  }

  async function setsOf(node: string): Promise<string> {
    const ref = { name: node };
    const object = await getObject(cluster.kube, resourceOf("NodePolicySet"), ref, never);
    return ((object?.spec as { sets?: string[] } | undefined)?.sets ?? ["none"]).join(",");
  }

  const seed = "deny-tmp-forbidden-write";
  const seedSet = `tracingpolicy.${seed}`;

  test("both seed policies become Ready on 2/2 nodes when the agents have reported", async () => {
    await cluster.addNode("a");
    await cluster.addNode("b");
    await cluster.startOperator();
    await cluster.apply(resourceOf("TracingPolicy"), await seedPolicy(`${seed}.yaml`));
    await cluster.apply(resourceOf("ExecPolicy"), await seedPolicy("exec-policy-example.yaml"));
    await showsColumns(resourceOf("TracingPolicy"), seed, "none|Unknown|0/2|Pending");
    await eventually("sets of a", () => setsOf("a"), `execpolicy.exec-policy-example,${seedSet}`);
    await eventually("sets of b", () => setsOf("b"), `execpolicy.exec-policy-example,${seedSet}`);
    await cluster.report("a");
    await cluster.report("b");
    await showsColumns(resourceOf("TracingPolicy"), seed, "enforce|True|2/2|Programmed");
    const exec = await showsColumns(
      resourceOf("ExecPolicy"),
      "exec-policy-example",
      "enforce|True|2/2|Programmed",
    );
    const types = exec.conditions?.map(({ type }) => type).sort();
    assert.deepEqual(types, ["Accepted", "Enforcing", "Programmed", "Ready", "ResolvedRefs"]);
    for (const name of [seedSet, "execpolicy.exec-policy-example"]) {
      const { hash, set } = await contentOf(name);
      assert.equal(hashSets([set]), hash, "the API server keeps the content as it is");
    }
    const { set } = await contentOf("execpolicy.exec-policy-example");
    assert.deepEqual(set.scope, { host: false, pods: {} });
  });

  test("a node that cannot hold it: 2/3, NodesFailed, one group with kernel and node", async () => {
    for (const node of ["a", "b"]) await cluster.addNode(node);
    await cluster.addNode("debian", { kernel: "6.12.0" });
    await cluster.startOperator();
    await cluster.apply(resourceOf("TracingPolicy"), await seedPolicy(`${seed}.yaml`));
    for (const node of ["a", "b", "debian"]) {
      await eventually(`sets of ${node}`, () => setsOf(node), seedSet);
    }
    await cluster.report("a");
    await cluster.report("b");
    await cluster.report("debian", { [seedSet]: "kprobe_override is not there" });
    const policy = await showsColumns(
      resourceOf("TracingPolicy"),
      seed,
      "enforce|False|2/3|NodesFailed",
    );
    assert.deepEqual(policy.failures, [
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

  test("the status says which 32-bit system calls pass a policy by, where a node's kernel takes them", async () => {
    for (const node of ["a", "b"]) await cluster.addNode(node);
    await cluster.startOperator();
    const file = new URL("policy/testdata/int80-socketcall.yaml", root);
    const [policy] = await readYaml(file);
    await cluster.apply(resourceOf("TracingPolicy"), policy as { metadata: { name: string } });
    const messageOf = async (type: string) => {
      const { conditions } = await cluster.status(resourceOf("TracingPolicy"), "no-connect");
      return conditions?.find((one) => one.type === type)?.message;
    };
    const becomes = (message: string) => eventually("Ready", () => messageOf("Ready"), message);
    const reports = (node: string, ...features: readonly string[]) =>
      cluster.report(node, {}, { kernel: { release: "6.1.0", arch: "x86_64", features } });
    for (const node of ["a", "b"]) {
      await eventually(`sets of ${node}`, () => setsOf(node), "tracingpolicy.no-connect");
    }
    await reports("a", "btf");
    await reports("b", "btf");
    await becomes("in force on 2 of 2 nodes");
    await reports("b", "btf", "ia32_emulation");
    const sentence =
      "on 1 node, 32-bit system calls (int 0x80) by socketcall are neither seen nor stopped";
    await becomes(`in force on 2 of 2 nodes; ${sentence}`);
    assert.equal(await messageOf("Enforcing"), `in force on 2 of 2 nodes; ${sentence}`);
    const status = await cluster.status(resourceOf("TracingPolicy"), "no-connect");
    assert.equal(columns(status), "enforce|True|2/2|Programmed");
    await reports("b", "btf");
    await becomes("in force on 2 of 2 nodes");
  });

  test("a bad policy is refused with its problems, and stops no other", async () => {
    await cluster.addNode("a");
    await cluster.startOperator();
    const bad = { metadata: { name: "bad" }, spec: { kprobes: [kprobe({ selectors: [later] })] } };
    await cluster.apply(resourceOf("TracingPolicy"), bad);
    await cluster.apply(resourceOf("TracingPolicy"), await seedPolicy(`${seed}.yaml`));
    const refused = await showsColumns(
      resourceOf("TracingPolicy"),
      "bad",
      "none|False|0/0|NotSupported",
    );
    const accepted = refused.conditions?.find(({ type }) => type === "Accepted");
    assert.match(accepted?.message ?? "", /spec\.kprobes\[0\]\.selectors\[0\]\.matchBinaries\[0\]/);
    assert.equal(await cluster.sets("tracingpolicy.bad"), undefined);
    await eventually("sets of a", () => setsOf("a"), seedSet);
    await cluster.report("a");
    await showsColumns(resourceOf("TracingPolicy"), seed, "enforce|True|1/1|Programmed");
  });

  test("a bad edit keeps what was accepted before, and says so", async () => {
    await cluster.addNode("a");
    await cluster.startOperator();
    await cluster.apply(resourceOf("TracingPolicy"), policyOf("p"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p");
    await cluster.report("a");
    await showsColumns(resourceOf("TracingPolicy"), "p", "enforce|True|1/1|Programmed");
    const bad = { metadata: { name: "p" }, spec: { kprobes: [kprobe({ selectors: [later] })] } };
    await cluster.apply(resourceOf("TracingPolicy"), bad);
    const refused = await showsColumns(
      resourceOf("TracingPolicy"),
      "p",
      "enforce|False|1/1|NotSupported",
    );
    const message = refused.conditions?.find(({ type }) => type === "Programmed")?.message;
    assert.equal(message, "what was accepted before stays in force on 1 of 1 nodes");
  });

  test("a policy of 10,000 values is programmed like any other", async () => {
    await cluster.addNode("a");
    await cluster.startOperator();
    const values = Array.from({ length: 10_000 }, (_, i) => `/data/forbidden/${i}/`);
    await cluster.apply(resourceOf("TracingPolicy"), policyOf("many", values));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.many");
    await cluster.report("a");
    const policy = await showsColumns(
      resourceOf("TracingPolicy"),
      "many",
      "enforce|True|1/1|Programmed",
    );
    assert.ok(JSON.stringify(policy).length < 4_000);
  });

  test("a nodeSelector picks nodes, and follows their labels", async () => {
    await cluster.addNode("a", { labels: { zone: "edge" } });
    await cluster.addNode("b");
    await cluster.startOperator();
    const { metadata, spec } = policyOf("p");
    const selecting = { ...spec, nodeSelector: { matchLabels: { zone: "edge" } } };
    await cluster.apply(resourceOf("TracingPolicy"), { metadata, spec: selecting });
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p");
    await eventually("sets of b", () => setsOf("b"), "");
    await cluster.addNode("a");
    await eventually("sets of a", () => setsOf("a"), "");
    await showsColumns(resourceOf("TracingPolicy"), "p", "none|True|0/0|NoNodes");
    await cluster.addNode("b", { labels: { zone: "edge" } });
    await eventually("sets of b", () => setsOf("b"), "tracingpolicy.p");
  });

  test("deleting a policy, also a namespaced one, removes its set from nodes and API", async () => {
    await cluster.addNode("a");
    await cluster.startOperator();
    await cluster.apply(resourceOf("TracingPolicy"), policyOf("p"));
    const namespaced = { ...policyOf("p"), metadata: { name: "p", namespace: "default" } };
    await cluster.apply(resourceOf("TracingPolicyNamespaced"), namespaced);
    const both = "tracingpolicy.p,tracingpolicynamespaced.default.p";
    await eventually("sets of a", () => setsOf("a"), both);
    await cluster.delete(resourceOf("TracingPolicy"), "p");
    await eventually("sets of a", () => setsOf("a"), "tracingpolicynamespaced.default.p");
    // The other one goes while no operator runs.
    await cluster.stopOperator();
    await cluster.delete(resourceOf("TracingPolicyNamespaced"), "p", "default");
    await cluster.startOperator();
    await eventually("sets of a", () => setsOf("a"), "");
    await eventually("sets", async () => (await cluster.list(resourceOf("SelectorSet"))).length, 0);
  });

  test("a node that is gone takes its NodePolicySet with it", async () => {
    await cluster.addNode("a");
    await cluster.startOperator();
    await eventually("sets of a", () => setsOf("a"), "");
    await cluster.delete(resources.node, "a");
    await eventually(
      "NodePolicySets",
      async () => (await cluster.list(resourceOf("NodePolicySet"))).length,
      0,
    );
  });

  test("a silent node becomes unreachable and no longer holds up the rest", async () => {
    await cluster.addNode("a");
    await cluster.addNode("b");
    await cluster.startOperator({ unreachableMs: 3_000 });
    await cluster.apply(resourceOf("TracingPolicy"), policyOf("p"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p");
    await cluster.report("a");
    await showsColumns(resourceOf("TracingPolicy"), "p", "enforce|Unknown|1/2|Pending");
    await showsColumns(resourceOf("TracingPolicy"), "p", "enforce|True|1/2|Programmed");
  });

  test("a change of one policy does not move another one's Ready", async () => {
    await cluster.addNode("a");
    await cluster.startOperator();
    await cluster.apply(resourceOf("TracingPolicy"), policyOf("p"));
    await cluster.apply(resourceOf("TracingPolicy"), policyOf("q"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p,tracingpolicy.q");
    await cluster.report("a");
    await showsColumns(resourceOf("TracingPolicy"), "q", "enforce|True|1/1|Programmed");
    const watch = watchReady(resourceOf("TracingPolicy"), "q");
    await cluster.apply(resourceOf("TracingPolicy"), policyOf("p", ["/other/"]));
    await showsColumns(resourceOf("TracingPolicy"), "p", "enforce|Unknown|0/1|Pending");
    await cluster.report("a");
    await showsColumns(resourceOf("TracingPolicy"), "p", "enforce|True|1/1|Programmed");
    assert.deepEqual(await watch.end(), ["True"]);
  });

  test("the leader stops: the next one takes over and nothing flaps", async () => {
    await cluster.addNode("a");
    await cluster.addNode("b");
    const stopFirst = await startReplica("first");
    await cluster.apply(resourceOf("TracingPolicy"), policyOf("p"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p");
    await eventually("sets of b", () => setsOf("b"), "tracingpolicy.p");
    await cluster.report("a");
    await cluster.report("b");
    await showsColumns(resourceOf("TracingPolicy"), "p", "enforce|True|2/2|Programmed");
    const watch = watchReady(resourceOf("TracingPolicy"), "p");
    await startReplica("second");
    await stopFirst();
    await cluster.apply(resourceOf("TracingPolicy"), policyOf("q"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p,tracingpolicy.q");
    await cluster.report("a");
    await cluster.report("b");
    await showsColumns(resourceOf("TracingPolicy"), "q", "enforce|True|2/2|Programmed");
    assert.deepEqual(await watch.end(), ["True"]);
  });

  test("the leader dies without a word: the next one writes, and nothing flaps", async (t) => {
    await cluster.addNode("a");
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
      API_URL: cluster.access.server,
      API_TOKEN: await cluster.tokenOf("guardbee-operator"),
    };
    const args = ["--input-type=module", "-e", script];
    const victim = spawn(process.execPath, args, { cwd: root, env, stdio: "inherit" });
    t.after(() => victim.kill("SIGKILL"));
    await cluster.apply(resourceOf("TracingPolicy"), policyOf("p"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p");
    await cluster.report("a");
    await showsColumns(resourceOf("TracingPolicy"), "p", "enforce|True|1/1|Programmed");
    const watch = watchReady(resourceOf("TracingPolicy"), "p");
    let leaseReads = 0;
    const counted = observeRequests(await cluster.connectAs("guardbee-operator"), ({ path }) => {
      if (path.endsWith("/leases/guardbee-operator")) leaseReads++;
    });
    await startReplica("heir", counted);
    await eventually(
      "reads of the lease",
      async () => leaseReads,
      (count) => count >= 2,
    );
    victim.kill("SIGKILL");
    await cluster.apply(resourceOf("TracingPolicy"), policyOf("q"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p,tracingpolicy.q");
    assert.deepEqual(await watch.end(), ["True"]);
  });

  test("a SelectorSet that somebody edited is put right", async () => {
    await cluster.addNode("a");
    await cluster.startOperator();
    await cluster.apply(resourceOf("TracingPolicy"), policyOf("p"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p");
    const { hash, set } = await contentOf("tracingpolicy.p");
    const metadata = { name: "tracingpolicy.p" };
    const spec = { hash, sets: [{ ...set, mode: "monitor" }] };
    await cluster.apply(resourceOf("SelectorSet"), { metadata, spec });
    await eventually("mode", async () => (await contentOf("tracingpolicy.p")).set.mode, "enforce");
  });

  test("the API server restarts: the operator goes on by itself", async () => {
    await cluster.addNode("a");
    await cluster.startOperator();
    await cluster.apply(resourceOf("TracingPolicy"), policyOf("p"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p");
    await cluster.restartApiServer();
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p");
    await cluster.report("a");
    await showsColumns(resourceOf("TracingPolicy"), "p", "enforce|True|1/1|Programmed");
    await cluster.apply(resourceOf("TracingPolicy"), policyOf("q"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p,tracingpolicy.q");
  });

  test("nothing changes: nothing is written", async () => {
    await cluster.addNode("a");
    await cluster.startOperator();
    await cluster.apply(resourceOf("TracingPolicy"), policyOf("p"));
    await eventually("sets of a", () => setsOf("a"), "tracingpolicy.p");
    await cluster.report("a");
    await showsColumns(resourceOf("TracingPolicy"), "p", "enforce|True|1/1|Programmed");
    const versions = async () =>
      [
        ...(await cluster.list(resourceOf("TracingPolicy"))),
        ...(await cluster.list(resourceOf("SelectorSet"))),
        ...(await cluster.list(resourceOf("NodePolicySet"))),
      ].map(({ metadata }) => metadata.resourceVersion);
    const before = await versions();
    await cluster.stopOperator();
    await cluster.startOperator();
    await sleep(3_000); // there is no event for "nothing happens"
    assert.deepEqual(await versions(), before);
  });

  /** Collects the different values of Ready of one policy until `end`. */
  function watchReady(resource: Resource, name: string): { end(): Promise<readonly string[]> } {
    const stop = new AbortController();
    const seen: string[] = [];
    const path = objectPath(resource, { name }).replace(/\/[^/]+$/, "");
    const query = { watch: true, fieldSelector: `metadata.name=${name}` };
    const watching = (async () => {
      try {
        for await (const line of cluster.kube.lines({ path, query }, stop.signal)) {
          const { object } = JSON.parse(line) as { object: KubeObject };
          const value = columns(object.status as PolicyStatus | undefined).split("|")[1] ?? "";
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

async function seedPolicy(name: string): Promise<unknown> {
  const [object] = await readYaml(new URL(`config/examples/${name}`, root));
  return object;
}

const later = {
  matchBinaries: [{ operator: "In", values: ["/usr/bin/vi"], followChildren: true }],
};

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
