import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Clock, type KubeObject, resources, systemClock } from "@guardbee/kube";
import { nodeDigest, type PolicyStatus, resourceOf } from "@guardbee/policy";
import pino from "pino";
import { Session } from "../../agent/session/session.ts";
import { whyNoApiServer } from "../../kube/testing/api-server.ts";
import { FaultProxy } from "../../kube/testing/fault-proxy.ts";
import { runOperator } from "../../operator/main.ts";
import { eventually, TestCluster } from "../../operator/testing/test-cluster.ts";
import { FakeKernel } from "./fake-kernel.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { aNode, anAgentPod, aTracingPolicy, inPool, nodeName } from "./objects.ts";
import { create } from "./seed.ts";

const log = pino({ level: process.env.LOG_LEVEL ?? "silent" });
const anyApp = { matchLabels: { app: "any" } };
const nodes = [0, 1];
/** Ten seconds in one: a watch is given up after 90 s of silence. */
const speed = 10;

/** A clock that runs `speed` times as fast, and whose wall time steps when a test says so. */
class FastClock implements Clock {
  /** Written by tests. */
  stepMs = 0;
  now() {
    return systemClock.now() + this.stepMs;
  }
  monotonic() {
    return systemClock.monotonic() * speed;
  }
  sleep(ms: number, signal: AbortSignal) {
    return systemClock.sleep(ms / speed, signal);
  }
}

type Fault = {
  readonly name: string;
  readonly during: (change: () => Promise<void>) => Promise<void>;
};

describe("operator and agents behind a proxy that fails", { skip: whyNoApiServer() }, () => {
  let cluster: TestCluster;
  let proxy: FaultProxy;
  let tokens: {
    readonly operator: readonly string[];
    readonly agents: readonly (readonly string[])[];
  };
  const clock = new FastClock();
  /** Written by change. */
  let round = 0;

  before(async () => {
    cluster = await TestCluster.start();
    proxy = await FaultProxy.start(new URL(cluster.access.server));
    const { kube } = cluster;
    for (const i of nodes) {
      await create(kube, aNode(i, 2));
      await create(kube, anAgentPod(i));
    }
    const pair = (account: string, pod?: object) =>
      Promise.all([cluster.tokenOf(account, pod), cluster.tokenOf(account, pod)]);
    const agents = (await cluster.list(resources.pod)).map(({ metadata: { name, uid } }) =>
      pair("guardbee-agent", { apiVersion: "v1", kind: "Pod", name, uid }),
    );
    tokens = { operator: await pair("guardbee-operator"), agents: await Promise.all(agents) };
    await policy("steady", "/srv/steady/");
    await policy("pool", "/srv/pool/", { nodeSelector: inPool("small") });
  });
  after(async () => {
    proxy?.close();
    await cluster?.stop();
  });

  async function policy(name: string, prefix: string, more: object = {}): Promise<void> {
    const { resource, object } = aTracingPolicy(name, { podSelector: anyApp, ...more }, prefix);
    await cluster.apply(resource, object);
  }

  /** One policy is new, one is gone, one is edited, and a node moves into or out of a pool. */
  async function change(): Promise<void> {
    round += 1;
    await policy(`round-${round}`, `/srv/round-${round}/`);
    await cluster.delete(resourceOf("TracingPolicy"), `round-${round - 1}`);
    await policy("edited", `/srv/edited-${round}/`);
    const pool = round % 2 === 0 ? "small" : "other";
    await cluster.apply(resources.node, { metadata: { name: nodeName(1), labels: { pool } } });
  }

  function start(through: "proxy" | "direct") {
    const stop = new AbortController();
    const kernels = nodes.map((i) => new FakeKernel(`6.${i}.0`));
    const connect = (all: readonly string[]) =>
      through === "proxy" ? proxy.connection(all) : cluster.as(all.at(-1)!);
    const operator = runOperator(
      {
        ...{ connection: connect(tokens.operator), clock, log },
        ...{ namespace: "guardbee-system", leaderElection: "none", statusIntervalMs: 2_000 },
      },
      stop.signal,
    );
    const agents = nodes.map(async (i) => {
      const session = await Session.open({
        ...{ connection: connect(tokens.agents[i]!), clock, log },
        ...{ nodeName: nodeName(i), engine: kernels[i]!, state: new MemoryDisk() },
        ...{ cgroupRoot: "/nonexistent", agentVersion: "test" },
      });
      await session.run(stop.signal);
    });
    const end = async () => {
      stop.abort();
      await Promise.all([operator, ...agents]);
    };
    return { kernels, end };
  }

  /** What operator and agents made of the policies, once nothing is left to do. */
  async function settledContent(kernels: readonly FakeKernel[]) {
    const untilMs = performance.now() + 120_000;
    for (;;) {
      const content = await contentOf(cluster, kernels).catch((error: Error) => error.message);
      if (typeof content !== "string" && isSettled(content)) return content;
      if (performance.now() > untilMs) assert.deepEqual(content, "settled");
      await sleep(200);
    }
  }

  const faults: readonly Fault[] = [
    {
      name: "410 to every watch",
      async during(act) {
        proxy.inject({ kind: "refuse", status: 410, of: "watches" });
        proxy.breakWatches();
        await act();
        await struck("refuse", 20);
      },
    },
    {
      name: "429 with Retry-After to every request",
      async during(act) {
        proxy.inject({ kind: "refuse", status: 429, of: "all", retryAfterSeconds: 5 });
        proxy.breakWatches();
        await act();
        await struck("refuse", 30);
      },
    },
    {
      name: "500 to every request",
      async during(act) {
        proxy.inject({ kind: "refuse", status: 500, of: "all" });
        proxy.breakWatches();
        await act();
        await struck("refuse", 40);
      },
    },
    {
      name: "connections that are dropped, watches in the middle of a line",
      async during(act) {
        proxy.breakWatches();
        proxy.inject({ kind: "drop" });
        await act();
        await struck("drop", 30);
      },
    },
    {
      name: "30 s of silence",
      async during(act) {
        proxy.silenceWatches();
        await act();
        await sleep(30_000 / speed);
      },
    },
    {
      name: "watches that are dead for good, and stay open",
      async during(act) {
        proxy.abandonWatches();
        await act();
      },
    },
    {
      name: "slow reads",
      async during(act) {
        proxy.inject({ kind: "slow", bytes: 512, pauseMs: 20 });
        proxy.breakWatches();
        await act();
        await struck("slow", 20);
        await sleep(3_000); // there is no event for "reads slowly"
      },
    },
    {
      name: "garbage in a watch",
      async during(act) {
        proxy.interject("<html>502 bad gateway</html>");
        await act();
        proxy.interject('{"type":"MODIFIED","object":null}');
        proxy.interject('{"type":"MODIFIED","object":{"metadata":{"name":"x"}}}');
      },
    },
    {
      name: "a token that has expired",
      async during(act) {
        for (const [token] of [tokens.operator, ...tokens.agents]) proxy.expire(token!);
        proxy.breakWatches();
        await act();
        await struck("expired", 3); // one a connection, which then reads its token again
      },
    },
    {
      name: "etcd compacted and the API server restarted while watches are behind",
      async during(act) {
        proxy.silenceWatches();
        await act();
        await cluster.compact();
        await cluster.restartApiServer();
        proxy.breakWatches();
      },
    },
    {
      name: "a wall clock that steps a day ahead and back",
      async during(act) {
        clock.stepMs = 86_400_000;
        await act();
        await sleep(1_000);
        clock.stepMs = -86_400_000;
        await sleep(1_000);
        clock.stepMs = 0;
      },
    },
  ];

  for (const { name, during } of faults) {
    test(`${name}: afterwards all is as after a clean start`, async () => {
      const after = await running("proxy", async (kernels) => {
        await change();
        await settledContent(kernels);
        await during(change);
        proxy.heal();
        return settledContent(kernels);
      });
      for (const resource of [resourceOf("SelectorSet"), resourceOf("NodePolicySet")]) {
        for (const { metadata } of await cluster.list(resource)) {
          await cluster.delete(resource, metadata.name);
        }
      }
      assert.deepEqual(after, await running("direct", settledContent));
    });
  }

  /** With an operator and agents of which nothing is left from before but what the API server has. */
  async function running<T>(
    through: "proxy" | "direct",
    work: (kernels: readonly FakeKernel[]) => Promise<T>,
  ): Promise<T> {
    const { kernels, end } = start(through);
    try {
      return await work(kernels);
    } finally {
      proxy.heal();
      await end();
    }
  }

  async function struck(kind: Parameters<FaultProxy["struck"]>[0], times: number): Promise<void> {
    await eventually(`${kind} strikes`, async () => proxy.struck(kind) >= times, true);
  }
});

type Content = {
  readonly policies: readonly {
    readonly name: string;
    readonly generation: number | undefined;
    readonly status: PolicyStatus;
  }[];
  readonly sets: readonly { readonly name: string; readonly spec: { readonly hash: string } }[];
  readonly nodes: readonly {
    readonly name: string;
    readonly sets: readonly string[];
    readonly status: { readonly digest?: string; readonly observedGeneration?: number } | undefined;
  }[];
  readonly kernels: readonly (readonly string[])[];
};

async function contentOf(cluster: TestCluster, kernels: readonly FakeKernel[]): Promise<Content> {
  const byName = (a: KubeObject, b: KubeObject) => (a.metadata.name < b.metadata.name ? -1 : 1);
  const list = async (resource: Parameters<TestCluster["list"]>[0]) =>
    [...(await cluster.list(resource))].sort(byName);
  return {
    policies: (await list(resourceOf("TracingPolicy"))).map(({ metadata, status }) => ({
      name: metadata.name,
      generation: metadata.generation,
      status: withoutTimes((status ?? {}) as PolicyStatus),
    })),
    sets: (await list(resourceOf("SelectorSet"))).map(({ metadata, spec }) => ({
      name: metadata.name,
      spec: spec as { hash: string },
    })),
    nodes: (await list(resourceOf("NodePolicySet"))).map(({ metadata, spec, status }) => {
      const { observedGeneration: _grows, ...said } = (status ?? {}) as Record<string, unknown>;
      return { name: metadata.name, sets: (spec as { sets: string[] }).sets, status: said };
    }),
    kernels: kernels.map((kernel) => kernel.held()),
  };
}

function withoutTimes(status: PolicyStatus): PolicyStatus {
  const conditions = (status.conditions ?? []).map((one) => ({ ...one, lastTransitionTime: "" }));
  return { ...status, conditions: conditions.sort((a, b) => (a.type < b.type ? -1 : 1)) };
}

/**
 * Every policy is Ready in its newest generation, and nodes and kernels hold what it says. A status may
 * be of an operator before: the lists of nodes are not whole then, and hold too few.
 */
function isSettled({ policies, sets, nodes: reports, kernels }: Content): boolean {
  const hashes = new Map(sets.map(({ name, spec }) => [name, spec.hash]));
  const ready = policies.every(({ generation, status }) => {
    const found = status.conditions?.find(({ type }) => type === "Ready");
    const whole = status.nodes?.programmed === status.nodes?.desired;
    return found?.status === "True" && found.observedGeneration === generation && whole;
  });
  const held = (names: readonly string[]) =>
    names.map((name) => ({ name, hash: hashes.get(name) ?? "" }));
  const wanted = policies.map(({ status }) => status.nodes?.desired ?? 0);
  const listed = reports.flatMap(({ sets: names }) => names).length;
  return (
    ready &&
    listed === wanted.reduce((sum, count) => sum + count, 0) &&
    sets.length === policies.length &&
    reports.length === kernels.length &&
    reports.every(({ sets: names, status }) => status?.digest === nodeDigest(held(names))) &&
    reports.every(({ sets: names }, i) => {
      const want = held(names).map(({ name, hash }) => `${name} ${hash}`);
      return kernels[i]!.join() === want.join();
    })
  );
}
