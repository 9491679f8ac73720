import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { applyObject, deleteObject, type KubeConnection } from "@guardbee/kube";
import { TestCluster } from "../../operator/testing/test-cluster.ts";
import { ensureBuilt } from "../../test/e2e/lab/build.ts";
import {
  AuditLog,
  byAgents,
  byOperator,
  countByKind,
  type Write,
} from "../../test/fleet/audit-log.ts";
import { Child } from "../../test/fleet/child.ts";
import type { AgentsOrder, OperatorOrder } from "../../test/fleet/messages.ts";
import {
  aTracingPolicy,
  type FleetSize,
  inPool,
  poolSize,
  type Seeded,
} from "../../test/fleet/objects.ts";
import { PolicyWatch } from "../../test/fleet/policy-watch.ts";
import { create, seedAgents, seedCluster, seedPolicies } from "../../test/fleet/seed.ts";
import { appFolder } from "../app-folder.ts";
import type { Message } from "../messages.ts";
import { shippedEnvironment } from "../shipped-environment.ts";
import { measureRestart } from "./restart.ts";
import { describeSize } from "./size.ts";

export type FleetOptions = FleetSize & {
  /** How long nothing changes. */
  readonly idleMs: number;
};

const never = new AbortController().signal;
/** A step of the largest fleet on a machine that others use as well. */
const limitMs = 20 * 60_000;
/** No write for this long: what a change caused is over. Longer than jitter and status interval. */
const quietMs = 12_000;

/**
 * Runs a fleet on this machine - a real API server with its audit log, the operator, agents with
 * kernels that do at once what they are told - and tells what each step wrote and took.
 */
export async function measureFleet(
  options: FleetOptions,
  tell: (message: Message) => void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "guardbee-fleet-"));
  const audit = new AuditLog(folder);
  const apiserver = [...audit.flags(), "--max-requests-inflight=800"];
  const etcd = ["--quota-backend-bytes=8589934592"];
  const cluster = await TestCluster.start({ apiserver, etcd });
  const fleet = new Fleet(cluster, audit, options, tell);
  try {
    await fleet.run();
  } finally {
    await fleet.stop();
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Fleet {
  readonly #cluster: TestCluster;
  readonly #kube: KubeConnection;
  readonly #audit: AuditLog;
  readonly #options: FleetOptions;
  readonly #tell: (message: Message) => void;
  readonly #policies: PolicyWatch;
  readonly #stop = new AbortController();
  /** Written by #start*. */
  readonly #children: Child[] = [];

  constructor(
    cluster: TestCluster,
    audit: AuditLog,
    options: FleetOptions,
    tell: (message: Message) => void,
  ) {
    this.#cluster = cluster;
    this.#kube = cluster.kube;
    this.#audit = audit;
    this.#options = options;
    this.#tell = tell;
    this.#policies = new PolicyWatch(cluster.kube);
  }

  async run(): Promise<void> {
    const { nodes } = this.#options;
    this.#progress("seeding");
    await seedCluster(this.#kube, this.#options);
    const agents = await seedAgents(this.#cluster, nodes);
    await seedPolicies(this.#kube, this.#options);
    this.#policies.run(this.#stop.signal);
    this.#progress("the operator starts");
    const operator = await this.#startOperator("first");
    await this.#policies.until(
      () => this.#policies.all().every(({ summary }) => summary !== ""),
      this.#limit("all policies judged"),
    );
    await this.#quiet();
    this.#progress("agents start");
    const startedAt = performance.now();
    this.#startAgents(agents);
    await this.#allReady();
    this.#progress(`all policies are Ready after ${seconds(startedAt)} s`);
    await this.#quiet();
    await this.#measureIdle();
    await this.#measureChange();
    await this.#measureTarget();
    await this.#measureReady();
    await this.#measureStatusSize();
    const restartBytes = await measureRestart(this.#cluster.access.server, agents.at(-1)!);
    this.#figure(
      "fleet_restart_bytes",
      restartBytes,
      "TCP payload from the API server, TLS and all",
    );
    const { peakBytes, nowBytes } = operator.memory();
    this.#figure("fleet_rss", nowBytes, "VmRSS when nothing was written for a while");
    this.#figure("fleet_rss_peak", peakBytes, "VmHWM, from its start on");
    await this.#measureFailover(operator);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#children.map((child) => child.kill()));
  }

  async #measureIdle(): Promise<void> {
    const { idleMs } = this.#options;
    const mark = this.#audit.mark();
    await sleep(idleMs);
    const writes = await this.#audit.since(mark);
    const method = `${idleMs / 1_000} s without a change; ${describeWrites(writes)}`;
    this.#figure("fleet_writes_idle", writes.length, method);
  }

  /** Another content of a policy that every node holds. */
  async #measureChange(): Promise<void> {
    const changed = aTracingPolicy("policy-7", { podSelector: anyApp }, "/srv/changed/");
    const { writes, tookMs } = await this.#apply("policy-7", changed);
    const operators = writes.filter(byOperator);
    const said = `audit log; Ready again after ${Math.round(tookMs / 1_000)} s`;
    this.#figure("fleet_writes_change", operators.length, `${said}; ${describeWrites(operators)}`);
    const reports = writes.filter(byAgents);
    const method = `most that one agent wrote; by all ${describeWrites(reports)}`;
    this.#figure("fleet_writes_agents", mostPerNode(reports), method);
  }

  async #measureTarget(): Promise<void> {
    const nodes = poolSize(this.#options.nodes);
    const added = aTracingPolicy("for-few", { podSelector: anyApp, nodeSelector: inPool("small") });
    const { writes } = await this.#apply("for-few", added);
    const operators = writes.filter(byOperator);
    const method = `a policy for ${nodes} nodes; ${describeWrites(operators)}`;
    this.#figure("fleet_writes_target", operators.length, method);
  }

  async #measureReady(): Promise<void> {
    const added = aTracingPolicy("for-all", { podSelector: anyApp });
    const { writes, tookMs } = await this.#apply("for-all", added);
    const said = describeWrites(writes.filter(byOperator));
    this.#figure("fleet_ready", tookMs, `a new policy for all nodes; by the operator ${said}`);
  }

  /** A policy that fails on every node, on more kernels than are listed, for a long reason. */
  async #measureStatusSize(): Promise<void> {
    const { nodes } = this.#options;
    const { resource, object } = aTracingPolicy("unloadable", { podSelector: anyApp });
    await create(this.#kube, { resource, object });
    const done = () => this.#policies.get("unloadable")?.reason === "NodesFailed";
    await this.#policies.until(done, this.#limit("the policy that fails"));
    await this.#quiet();
    const largest = Math.max(...this.#policies.all().map(({ statusBytes }) => statusBytes));
    const method = `the largest of all, of a policy that fails on ${nodes} nodes with 12 kernels`;
    this.#figure("fleet_status_size", largest, method);
    await deleteObject(this.#kube, resource, object.metadata, never);
    await this.#quiet();
  }

  /** The leader is killed while the nodes report a change. */
  async #measureFailover(leader: Child): Promise<void> {
    const next = await this.#startOperator("second");
    await sleep(20_000); // it follows the cluster by then; it says so nowhere outside
    this.#policies.forgetStories();
    const mark = this.#audit.mark();
    const { resource, object } = aTracingPolicy("policy-7", { podSelector: anyApp }, "/srv/again/");
    await this.#applyObject({ resource, object });
    const changed = async () => (await this.#audit.since(mark)).some(byAgents);
    while (!(await changed())) await sleep(100);
    await leader.kill();
    const killedAtMs = Date.now();
    const ready = () => this.#policies.get("policy-7")?.ready === "True";
    await this.#policies.until(ready, this.#limit("Ready after the failover"));
    await this.#quiet();
    next.check();
    const writes = await this.#audit.since(mark);
    const first = writes.find((one) => byOperator(one) && one.userAgent === "second");
    if (first === undefined) throw new Error("failover: the next leader wrote nothing");
    const flaps = this.#policies.flaps("policy-7");
    const method = `kill -9 during a change of all nodes, to the next leader's first write`;
    this.#figure("failover", first.atMs - killedAtMs, `${method}; ${describeWrites(writes)}`);
    this.#figure(
      "failover_flaps",
      flaps.length,
      `policies of which Ready left True: ${flaps.length}`,
    );
    if (flaps.length > 0) this.#progress(flaps.slice(0, 10).join("\n"));
  }

  /** Applies a policy; resolves when it is Ready and nothing is written any more. */
  async #apply(key: string, policy: Seeded): Promise<{ writes: readonly Write[]; tookMs: number }> {
    const mark = this.#audit.mark();
    const startedAt = performance.now();
    await this.#applyObject(policy);
    const ready = () => this.#policies.get(key)?.ready === "True";
    await this.#policies.until(() => !ready(), this.#limit(`${key} seen`));
    await this.#policies.until(ready, this.#limit(`Ready of ${key}`));
    const tookMs = performance.now() - startedAt;
    await this.#quiet();
    return { writes: await this.#audit.since(mark), tookMs };
  }

  async #applyObject({ resource, object }: Seeded): Promise<void> {
    const options = { fieldManager: "bench", force: true };
    await applyObject(this.#kube, { resource, object: object as never }, options, never);
  }

  async #allReady(): Promise<void> {
    const { nodes, policies } = this.#options;
    const left = () => {
      const ready = this.#policies.all().filter((one) => one.ready === "True");
      return policies - ready.length;
    };
    const full = () => this.#policies.get("policy-7")?.summary === `${nodes}/${nodes}`;
    await this.#policies.until(() => left() === 0 && full(), this.#limit("all policies Ready"));
  }

  /** Resolves when nobody of ours has written for a while. */
  async #quiet(): Promise<void> {
    for (let writes = 1; writes > 0; ) {
      const mark = this.#audit.mark();
      await sleep(quietMs);
      writes = (await this.#audit.since(mark)).length;
    }
  }

  async #startOperator(identity: string): Promise<Child> {
    const { opa } = await ensureBuilt(["opa"]);
    const token = await this.#cluster.tokenOf("guardbee-operator");
    const { server } = this.#cluster.access;
    const order: OperatorOrder = { server, token, identity, opa: opa! };
    return this.#started(
      new Child(join(appFolder, "cli/operator.js"), order, await shippedEnvironment("operator")),
    );
  }

  #startAgents(agents: AgentsOrder["agents"]): void {
    const { server } = this.#cluster.access;
    const order: AgentsOrder = { server, startsPerSecond: 40, agents };
    this.#started(
      new Child("agents.ts", order, {
        NODE_OPTIONS: "--max-old-space-size=12288 --max-semi-space-size=64",
      }),
    );
  }

  #started(child: Child): Child {
    this.#children.push(child);
    return child;
  }

  #limit(what: string) {
    const check = () => {
      for (const child of this.#children) child.check();
    };
    return { ms: limitMs, what, check };
  }

  #figure(value: string, number: number, method: string): void {
    const { nodes } = this.#options;
    this.#tell({ value, number, nodes, method: `${method}; ${describeSize(this.#options)}` });
  }

  #progress(text: string): void {
    this.#tell({ progress: `fleet of ${this.#options.nodes}: ${text}` });
  }
}

const anyApp = { matchLabels: { app: "any" } };

/** The most by one agent; what a busy API server refused (429) wrote nothing. */
function mostPerNode(writes: readonly Write[]): number {
  const done = writes.filter(({ code }) => code < 300);
  const counts = Map.groupBy(done, ({ name }) => name);
  return Math.max(0, ...Array.from(counts.values(), (all) => all.length));
}

function describeWrites(writes: readonly Write[]): string {
  const counts = [...countByKind(writes)].map(([kind, count]) => `${count} ${kind}`);
  const failed = writes.filter(({ code }) => code >= 300).length;
  const refused = failed === 0 ? [] : [`${failed} of them refused`];
  return counts.length === 0 ? "no writes" : [...counts, ...refused].join(", ");
}

function seconds(startedAt: number): number {
  return Math.round((performance.now() - startedAt) / 1_000);
}
