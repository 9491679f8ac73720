import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy";
import pino from "pino";
import { FleetSize } from "../../agent/session/fleet-size.ts";
import { Session } from "../../agent/session/session.ts";
import { whyNoApiServer } from "../../kube/testing/api-server.ts";
import { eventually, TestCluster } from "../../operator/testing/test-cluster.ts";
import { AuditLog, byAgents, byOperator, type Write } from "./audit-log.ts";
import { Child } from "./child.ts";
import { FakeKernel } from "./fake-kernel.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { aTracingPolicy } from "./objects.ts";
import { PolicyWatch } from "./policy-watch.ts";
import { seedAgents, seedCluster } from "./seed.ts";

const nodes = 12;
const size = { nodes, policies: 0, namespaces: 1, workloads: 0 };
const anyApp = { matchLabels: { app: "any" } };
const names = ["changed", "other-1", "other-2"];

describe("a fleet of operators and agents, as the audit log sees it", {
  skip: whyNoApiServer(),
}, () => {
  const folder = mkdtempSync(join(tmpdir(), "guardbee-fleet-test-"));
  const audit = new AuditLog(folder);
  const stop = new AbortController();
  const kernels = Array.from({ length: nodes }, (_, i) => new FakeKernel(`6.${i}.0`));
  const children: Child[] = [];
  let cluster: TestCluster;
  let policies: PolicyWatch;
  let running: readonly Promise<void>[] = [];

  before(async () => {
    cluster = await TestCluster.start({ apiserver: audit.flags() });
    await seedCluster(cluster.kube, size);
    policies = new PolicyWatch(cluster.kube);
    const agents = await seedAgents(cluster, nodes);
    running = [policies.run(stop.signal), ...agents.map((agent, i) => runAgent(agent, i))];
    for (const name of names) await apply(name, "first");
    await startOperator("one");
    await eventually("Ready", allReady, true);
  });
  after(async () => {
    stop.abort();
    await Promise.all([...running, ...children.map((child) => child.kill())]);
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function runAgent({ node, token }: { node: string; token: string }, i: number) {
    const session = await Session.open({
      ...{ connection: cluster.as(token), nodeName: node, engine: kernels[i]! },
      ...{ state: new MemoryDisk(), cgroupRoot: folder, agentVersion: "test" },
      reportJitterMs: 4_000, // a leader is killed while they report
      ...{ clock: systemClock, log: pino({ level: "silent" }) },
    });
    await session.run(stop.signal);
  }

  async function apply(name: string, content: string): Promise<void> {
    const prefix = `/srv/${name}/${content}/`;
    const { resource, object } = aTracingPolicy(name, { podSelector: anyApp }, prefix);
    await cluster.apply(resource, object);
  }

  async function startOperator(identity: string): Promise<Child> {
    const token = await cluster.tokenOf("guardbee-operator");
    const { server } = cluster.access;
    const child = new Child("operator.ts", { server, token, identity, opa: "opa" });
    children.push(child);
    return child;
  }

  async function allReady(): Promise<boolean> {
    const whole = names.map((name) => policies.get(name));
    return whole.every((seen) => seen?.ready === "True" && seen.summary === `${nodes}/${nodes}`);
  }

  async function quiet(): Promise<void> {
    for (let writes = 1; writes > 0; ) {
      const mark = audit.mark();
      await sleep(8_000); // longer than jitter and the interval between two statuses
      writes = (await audit.since(mark)).length;
    }
  }

  test("an agent knows how many there are", async () => {
    const connection = cluster.as(await cluster.tokenOf("guardbee-agent"));
    const log = pino({ level: "silent" });
    const fleet = new FleetSize({ connection, clock: systemClock, log, random: Math.random });
    const ended = fleet.run(stop.signal);
    await eventually("the number", async () => fleet.nodes(), nodes);
    running = [...running, ended];
  });

  test("nothing changes for a minute: nothing is written", async () => {
    await quiet();
    const mark = audit.mark();
    await sleep(60_000); // there is no event for "nothing happens"
    assert.deepEqual(await audit.since(mark), []);
  });

  test("the leader is killed while agents report: 20 s, no flap, no write lost or doubled", async () => {
    await startOperator("two");
    await sleep(5_000); // it follows by then, and says so nowhere outside
    policies.forgetStories();
    const mark = audit.mark();
    await apply("changed", "second");
    await eventually("a report", async () => (await audit.since(mark)).some(byAgents), true);
    await children[0]?.kill();
    const killedAtMs = Date.now();
    const heirs = ({ userAgent }: Write) => userAgent === "two";
    await eventually("the heir writes", async () => (await audit.since(mark)).some(heirs), true);
    await eventually("Ready", allReady, true);
    await quiet();
    const writes = await audit.since(mark);
    const tookMs = writes.find(heirs)!.atMs - killedAtMs;
    assert.ok(tookMs <= 20_000, `took ${tookMs} ms`);
    assert.deepEqual(policies.flaps("changed"), []);
    assert.deepEqual(await allReady(), true);
    const sets = writes.filter(({ resource }) => resource === "selectorsets");
    assert.deepEqual(
      sets.map(({ name }) => name),
      ["tracingpolicy.changed"],
    );
    assert.deepEqual(
      writes
        .filter(byAgents)
        .map(({ name }) => name)
        .sort(),
      (await cluster.list(resourceOf("NodePolicySet"))).map(({ metadata }) => metadata.name).sort(),
    );
    const statuses = writes.filter((one) => byOperator(one) && one.subresource === "status");
    assert.deepEqual([...new Set(statuses.map(({ name }) => name))], ["changed"]);
    assert.ok(statuses.length <= 8, `${statuses.length} status writes`);
  });

  test("both are killed: agents hold on, and status is right within a minute of their return", async () => {
    await children[1]?.kill();
    const held = kernels.map((kernel) => kernel.held());
    policies.forgetStories();
    const mark = audit.mark();
    await apply("changed", "third");
    await sleep(10_000); // there is no event for "nobody acts on it"
    assert.deepEqual(await audit.since(mark), []);
    assert.deepEqual(
      kernels.map((kernel) => kernel.held()),
      held,
    );
    const startedAt = performance.now();
    await startOperator("three");
    await startOperator("four");
    const newer = () => kernels.every((kernel, i) => kernel.held().join() !== held[i]!.join());
    while (!newer() || !(await allReady())) {
      assert.ok(performance.now() - startedAt < 60_000, policies.describe());
      await sleep(100);
    }
    assert.deepEqual(policies.flaps("changed"), []);
  });
});
