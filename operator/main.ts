import { readFile } from "node:fs/promises";
import {
  after,
  type Clock,
  connect,
  done,
  FairSlots,
  type KubeConnection,
  Lease,
  observeRequests,
  orAborted,
  serveHealth,
  systemClock,
  type TurnShares,
  WorkQueue,
} from "@guardbee/kube";
import { isRegoSet, namespaceOfSet, type RolloutPlan } from "@guardbee/policy";
import type { Logger } from "pino";
import { warnOfUnseen } from "./admission/unseen-warning.ts";
import { startWebhook, type WebhookOptions } from "./admission/webhook.ts";
import { assertHostPatterns } from "./bundle/index.ts";
import { Fleet } from "./fleet/fleet.ts";
import { guardRailsModule, openBuiltinRail } from "./judge/builtin-rail.ts";
import { FleetCounter } from "./metrics/fleet-counts.ts";
import { OperatorMetrics } from "./metrics/metrics.ts";
import { compileRego } from "./opa/compile.ts";
import { findOpa } from "./opa/find-opa.ts";
import { openSandboxes } from "./opa/sandboxes.ts";
import { Judgements } from "./policy/judgements.ts";
import { createQueues, type Queues } from "./queues.ts";
import { RegoPolicies } from "./rego/rego-policies.ts";
import { GuardRailSwitches } from "./rego/switches.ts";
import type { Compile } from "./rego/unit.ts";
import { WrittenSets } from "./rollout/written-sets.ts";

export type OperatorOptions = {
  readonly log: Logger;
  /** Default: the pod's service account, KUBECONFIG or ~/.kube/config. */
  readonly connection?: KubeConnection;
  readonly kubeconfig?: string;
  /** Where we run and keep our Lease; default the connection's namespace. */
  readonly namespace?: string;
  /** Unique to this process; default the host name (in a pod its name) and the process id. */
  readonly identity?: string;
  /** `lease`: lead only while holding the Lease. `none`: for a single process. Default `lease`. */
  readonly leaderElection?: "lease" | "none";
  /** For /healthz, /readyz and /metrics; default none. 0 picks a free one. */
  readonly healthPort?: number;
  /** For the validating webhook; default none. */
  readonly webhook?: WebhookOptions;
  /** The compiled `rego/guardrails`; default rego/build/guardrails.wasm of this checkout. */
  readonly guardRailsModule?: string | URL;
  /** Built-in guard rails that are off, by name, beside those that a ConfigMap switches off. */
  readonly disabledGuardRails?: readonly string[];
  /** The opa program, for RegoPolicies; default environment variable OPA, else `opa` on PATH. */
  readonly opa?: string;
  /** For one evaluation of built-in Rego; default 2 s. */
  readonly regoDeadlineMs?: number;
  /** The only hosts that bundles of RegoPolicies may come from, in the same form; default any. */
  readonly bundleHosts?: readonly string[];
  /**
   * The only hosts that bundles of RegoPolicyNamespaceds may come from: `name`, `name:port`,
   * `*.domain`. Default none: what they ask goes out from our network, and they read the answer.
   */
  readonly namespacedBundleHosts?: readonly string[];
  /** For one fetch of a bundle; default 30 s. */
  readonly bundleTimeoutMs?: number;
  /** Between two status writes of one policy; default 5 s. */
  readonly statusIntervalMs?: number;
  /** Between two writes of one NodePolicySet; default 2 s. */
  readonly nodeIntervalMs?: number;
  /** After which a silent node no longer holds up the rest; default 2 min. */
  readonly unreachableMs?: number;
  /** How changes reach nodes where a policy does not say; default all at once. */
  readonly rollout?: RolloutPlan;
  readonly clock?: Clock;
};

/**
 * Runs the operator until `signal` aborts. Every replica follows the cluster; the one that holds
 * the Lease writes, and only when it has seen the whole of it. Throws what stops it at the start: no
 * API server known, no Rego module, a port in use.
 */
export async function runOperator(options: OperatorOptions, signal: AbortSignal): Promise<void> {
  const { log, clock = systemClock } = options;
  assertHostPatterns([...(options.bundleHosts ?? []), ...(options.namespacedBundleHosts ?? [])]);
  const module = new Uint8Array(await readFile(options.guardRailsModule ?? guardRailsModule));
  const metrics = new OperatorMetrics();
  const plain = options.connection ?? (await connectTo(options));
  const connection = observeRequests(plain, metrics.request, clock);
  const namespace = options.namespace ?? connection.namespace;
  const { regoDeadlineMs: deadlineMs = 2_000 } = options;
  const ofBuiltin = { module, deadlineMs, clock, log: log.child({ component: "guard-rails" }) };
  /** The controller's, and that of reviews: whoever may ask for those must not hold up the other. */
  const [builtin, reviewing] = [openBuiltinRail(ofBuiltin), openBuiltinRail(ofBuiltin)];
  /** Set while leading. Written by lead only. */
  let queues: Queues | undefined;
  let synced = false;
  /** RegoPolicies have a queue of their own: one that takes long holds up no other policy. */
  const changed = (name: string, delayMs = 0) => {
    const isRego = isRegoSet(name);
    (isRego ? queues?.regoPolicies : queues?.policies)?.add(name, delayMs);
    if (isRego && queues === undefined) guards.add("all", guardsDelayMs);
  };
  /** While not leading: what is being applied is judged here too. */
  const guards = new WorkQueue({
    async work(_all, within) {
      await orAborted(known, within);
      if (queues !== undefined) return done;
      const dueInMs = await rego.prepare(within);
      return Number.isFinite(dueInMs) ? after(dueInMs) : done;
    },
    log: log.child({ component: "guards" }),
    clock,
  });
  const fleet: Fleet = new Fleet({
    connection,
    clock,
    log,
    onWatchStep: metrics.watchStep,
    listener: {
      policyChanged: (name) => changed(name),
      nodeChanged: (name) => queues?.nodes.add(name),
      namespaceChanged: (name) => {
        rego.inventoryChanged(name);
        rego.bump();
      },
      nodeFactsChanged: () => rego.inventoryChanged(),
    },
  });

  const switches = new GuardRailSwitches({
    ...{ connection, namespace, clock, log },
    disabled: options.disabledGuardRails ?? [],
    onChange: () => rego.bump(),
  });
  const known = Promise.all([fleet.synced, switches.synced]);
  const sets = new WrittenSets(fleet, clock);
  const ofRego = { clock, log: log.child({ component: "rego" }), onEvaluated: metrics.evaluated };
  const sandboxes = openSandboxes(ofRego);
  const reviewSandboxes = openSandboxes({ ...ofRego, processes: 1 });
  const rego: RegoPolicies = new RegoPolicies({
    ...{ connection, fleet, sets, builtin, clock },
    compile: compileWith(options.opa, { size: 2, reserved: 1, perNamespace: 1 }),
    ...{ sandboxes, reviewSandboxes },
    disabledGuardRails: () => switches.disabled,
    bundleHosts: options.bundleHosts,
    namespacedBundleHosts: options.namespacedBundleHosts ?? [],
    bundleTimeoutMs: options.bundleTimeoutMs,
    ownNamespace: namespace,
    regoChanged: (name, delayMs) => changed(name, delayMs),
    guardsChanged: (changedIn) => {
      for (const name of fleet.setNames()) {
        if (changedIn === undefined || namespaceOfSet(name) === changedIn) changed(name);
      }
    },
    log: ofRego.log,
  });
  const judgements = new Judgements(rego, {
    builtin: reviewing,
    compile: compileWith(options.opa, { size: 1, reserved: 0, perNamespace: 1 }),
  });

  async function lead(leading: AbortSignal): Promise<void> {
    await orAborted(known, leading);
    await rego.prepare(leading);
    const started = createQueues({
      ...{ ...options, clock, connection, fleet, sets, judgements, metrics },
    });
    queues = started;
    for (const name of fleet.setNames()) changed(name);
    for (const name of fleet.nodeNames()) started.nodes.add(name);
    log.info({ policies: fleet.setNames().length, nodes: fleet.nodeNames().length }, "leading");
    try {
      await Promise.all(Object.values(started).map((queue) => queue.run(leading)));
    } finally {
      queues = undefined;
      guards.add("all");
    }
  }

  known.then(() => {
    synced = true;
  });
  const certificates =
    options.webhook &&
    (await startWebhook(
      options.webhook,
      {
        ...{ connection, namespace, clock, log: log.child({ component: "webhook" }) },
        judge: async (policy, within) => {
          const judgement = await judgements.check(policy, within);
          return warnOfUnseen(judgement, fleet);
        },
        ready: () => synced,
      },
      signal,
    ));
  if (options.healthPort !== undefined) {
    let tried = certificates === undefined;
    certificates?.tried.then(() => {
      tried = true;
    });
    const counter = new FleetCounter(fleet);
    metrics.collectProcess();
    metrics.follow({
      queues: () => ({ ...queues }),
      leads: () => queues !== undefined,
      fleet: () => counter.count(),
      rego: () => sandboxes,
    });
    const health = { alive: () => true, ready: () => synced && tried, metrics: metrics.registry };
    const listen = { port: options.healthPort, log: log.child({ component: "health" }) };
    await serveHealth(health, listen, signal);
  }
  // A part that throws is a bug; it takes the others down with it, and the pod is restarted.
  const failed = new AbortController();
  const running = AbortSignal.any([signal, failed.signal]);
  const part = (work: Promise<void>) =>
    work.catch((error: unknown) => {
      if (!running.aborted) failed.abort(error);
    });
  try {
    await Promise.all([
      part(fleet.run(running)),
      part(switches.run(running)),
      part(certificates?.run(running) ?? Promise.resolve()),
      part(certificates === undefined ? Promise.resolve() : guards.run(running)),
      part(
        options.leaderElection === "none"
          ? lead(running)
          : leaseOf({ ...options, clock, connection, namespace }).run(lead, running),
      ),
    ]);
    if (failed.signal.aborted) throw failed.signal.reason;
  } finally {
    rego.close();
    for (const each of [sandboxes, reviewSandboxes]) {
      for (const sandbox of Object.values(each)) sandbox.close();
    }
    await Promise.all([builtin.close(), reviewing.close()]);
    if (options.connection === undefined) connection.close();
  }
}

/** Objects come one by one when the operator starts. */
const guardsDelayMs = 500;

/** Each run of opa is a process that takes a core and up to 512 MiB. */
function compileWith(opa: string | undefined, shares: Omit<TurnShares, "cluster">): Compile {
  const slots = new FairSlots(shares);
  return async (sources, { entryPoint, data, owner }, signal) => {
    const release = await slots.acquire(owner, signal);
    try {
      const options = { entryPoints: [entryPoint], data, signal };
      return await compileRego(sources, { ...options, opa: opa ?? (await findOpa()) });
    } finally {
      release();
    }
  };
}

function leaseOf(
  parts: OperatorOptions & {
    readonly clock: Clock;
    readonly connection: KubeConnection;
    readonly namespace: string;
  },
): Lease {
  const { connection, namespace, clock, log } = parts;
  return new Lease({
    connection,
    name: "guardbee-operator",
    namespace,
    identity: parts.identity ?? `${process.env.HOSTNAME ?? "operator"}_${process.pid}`,
    log: log.child({ component: "lease" }),
    clock,
  });
}

function connectTo({ kubeconfig }: OperatorOptions): Promise<KubeConnection> {
  const userAgent = "guardbee-operator";
  return connect(kubeconfig === undefined ? { userAgent } : { kubeconfig, userAgent });
}
