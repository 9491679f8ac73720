import { readFile } from "node:fs/promises";
import {
  type Clock,
  connect,
  type KubeConnection,
  Lease,
  systemClock,
  WorkQueue,
} from "@guardbee/kube";
import type { Logger } from "pino";
import { reconcileNode } from "./distribute/reconcile.ts";
import { Fleet } from "./fleet/fleet.ts";
import { serveHealth } from "./health.ts";
import { WasmHost } from "./opa/host.ts";
import { Judgements } from "./policy/judgements.ts";
import { reconcilePolicy } from "./policy/reconcile.ts";
import { createTranslate } from "./policy/translate.ts";
import { StatusWriter } from "./status/status-writer.ts";

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
  /** For /healthz and /readyz; default none. 0 picks a free one. */
  readonly healthPort?: number;
  /** The compiled `rego/translate.rego`; default rego/build/translate.wasm of this checkout. */
  readonly translateModule?: string | URL;
  /** For one evaluation of Rego; default 2 s. */
  readonly regoDeadlineMs?: number;
  /** Between two status writes of one policy; default 5 s. */
  readonly statusIntervalMs?: number;
  /** After which a silent node no longer holds up the rest; default 2 min. */
  readonly unreachableMs?: number;
  readonly clock?: Clock;
};

/**
 * Runs the operator until `signal` aborts. Every replica follows the cluster; the one that holds
 * the Lease writes, and only when it has seen the whole of it. Throws what stops it at the start: no
 * API server known, no Rego module, a port in use.
 */
export async function runOperator(options: OperatorOptions, signal: AbortSignal): Promise<void> {
  const { log, clock = systemClock } = options;
  const module =
    options.translateModule ?? new URL("../rego/build/translate.wasm", import.meta.url);
  const wasm = new Uint8Array(await readFile(module));
  const connection = options.connection ?? (await connectTo(options));
  const namespace = options.namespace ?? connection.namespace;
  const host = new WasmHost({
    module: wasm,
    log: log.child({ component: "rego" }),
    clock,
    ...(options.regoDeadlineMs === undefined ? {} : { deadlineMs: options.regoDeadlineMs }),
  });
  const judgements = new Judgements(createTranslate(host, { ownNamespace: namespace }));
  /** Set while leading. Written by lead only. */
  let queues: Queues | undefined;
  let synced = false;
  const fleet = new Fleet({
    connection,
    clock,
    log,
    listener: {
      policyChanged: (name) => queues?.policies.add(name),
      nodeChanged: (name) => queues?.nodes.add(name),
    },
  });

  async function lead(leading: AbortSignal): Promise<void> {
    await orAborted(fleet.synced, leading);
    const started = createQueues({ ...options, clock, connection, fleet, judgements });
    for (const name of fleet.setNames()) started.policies.add(name);
    for (const name of fleet.nodeNames()) started.nodes.add(name);
    queues = started;
    log.info({ policies: fleet.setNames().length, nodes: fleet.nodeNames().length }, "leading");
    try {
      await Promise.all([started.policies.run(leading), started.nodes.run(leading)]);
    } finally {
      queues = undefined;
    }
  }

  fleet.synced.then(() => {
    synced = true;
  });
  if (options.healthPort !== undefined) {
    const health = { alive: () => true, ready: () => synced };
    await serveHealth(health, { port: options.healthPort }, signal);
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
      part(
        options.leaderElection === "none"
          ? lead(running)
          : leaseOf({ ...options, clock, connection, namespace }).run(lead, running),
      ),
    ]);
    if (failed.signal.aborted) throw failed.signal.reason;
  } finally {
    await host.close();
    if (options.connection === undefined) connection.close();
  }
}

type Queues = { readonly policies: WorkQueue; readonly nodes: WorkQueue };

function createQueues(
  parts: OperatorOptions & {
    readonly clock: Clock;
    readonly connection: KubeConnection;
    readonly fleet: Fleet;
    readonly judgements: Judgements;
  },
): Queues {
  const { connection, fleet, judgements, clock } = parts;
  const { statusIntervalMs = 5_000, unreachableMs = 120_000 } = parts;
  const log = parts.log.child({ component: "policies" });
  const deps = {
    connection,
    fleet,
    judge: (...policy: Parameters<Judgements["get"]>) => judgements.get(...policy),
    forget: (setName: string) => judgements.forget(setName),
    statuses: new StatusWriter(connection, clock, statusIntervalMs),
    clock,
    log,
    unreachableMs,
  };
  return {
    policies: new WorkQueue({
      work: (name, signal) => reconcilePolicy(name, deps, signal),
      log,
      clock,
    }),
    nodes: new WorkQueue({
      work: (name, signal) => reconcileNode(name, { connection, fleet }, signal),
      log: parts.log.child({ component: "nodes" }),
      clock,
      concurrency: 8,
    }),
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

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject);
  });
}
