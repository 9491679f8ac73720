import { type Clock, type KubeConnection, WorkQueue } from "@guardbee/kube";
import { allAtOnce, namespaceOfSet, type RolloutPlan } from "@guardbee/policy";
import type { Logger } from "pino";
import { NodePace, reconcileNode } from "./distribute/reconcile.ts";
import type { Fleet } from "./fleet/fleet.ts";
import type { SetEntry } from "./fleet/objects.ts";
import type { OperatorMetrics } from "./metrics/metrics.ts";
import type { Judgements } from "./policy/judgements.ts";
import { NamespaceQuota } from "./policy/namespace-quota.ts";
import { reconcilePolicy } from "./policy/reconcile.ts";
import type { WrittenSets } from "./rollout/written-sets.ts";
import { StatusWriter } from "./status/status-writer.ts";

/** What a leader works off. */
export type Queues = {
  readonly policies: WorkQueue;
  readonly regoPolicies: WorkQueue;
  readonly nodes: WorkQueue;
};

export type QueuesOptions = {
  readonly connection: KubeConnection;
  readonly fleet: Fleet;
  readonly sets: WrittenSets;
  readonly judgements: Judgements;
  readonly metrics: OperatorMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between two status writes of one policy, more or less: see StatusWriter; default 5 s. */
  readonly statusIntervalMs?: number;
  /** Between two writes of one NodePolicySet; default 2 s. */
  readonly nodeIntervalMs?: number;
  /** After which a silent node no longer holds up the rest; default 2 min. */
  readonly unreachableMs?: number;
  /** How changes reach nodes where a policy does not say; default all at once. */
  readonly rollout?: RolloutPlan;
};

export function createQueues(options: QueuesOptions): Queues {
  const { connection, fleet, sets, judgements, metrics, clock } = options;
  const { statusIntervalMs = 5_000, unreachableMs = 120_000, rollout = allAtOnce } = options;
  const pace = new NodePace(clock, options.nodeIntervalMs ?? 2_000);
  const log = options.log.child({ component: "policies" });
  const deps = {
    connection,
    fleet,
    judge: (...policy: Parameters<Judgements["get"]>) => judgements.get(...policy),
    dueInMs: (setName: string) => judgements.dueInMs(setName),
    forget: (setName: string, signal: AbortSignal) => judgements.forget(setName, signal),
    sets,
    quota: new NamespaceQuota((namespace) => setsIn(namespace, fleet)),
    statuses: new StatusWriter(connection, clock, statusIntervalMs),
    clock,
    log,
    unreachableMs,
    rollout,
  };
  const work = (name: string, signal: AbortSignal) => reconcilePolicy(name, deps, signal);
  // What judges a policy is Rego that its namespace may have written.
  const fair = { log, clock, namespaceOf: namespaceOfSet, concurrency: 8 };
  return {
    policies: new WorkQueue({ ...fair, work: metrics.timed("policies", work) }),
    regoPolicies: new WorkQueue({ ...fair, work: metrics.timed("regoPolicies", work) }),
    nodes: new WorkQueue({
      work: metrics.timed("nodes", (name: string, signal: AbortSignal) =>
        reconcileNode(name, { connection, fleet, pace }, signal),
      ),
      log: options.log.child({ component: "nodes" }),
      clock,
      concurrency: 8,
    }),
  };
}

/** SelectorSets of a namespace's policies. Of a fleet with thousands most are another's: told at a glance. */
function setsIn(namespace: string, fleet: Fleet): readonly SetEntry[] {
  const second = `${namespace}.`;
  const all = fleet.sets().filter(({ name }) => name.startsWith(second, name.indexOf(".") + 1));
  return all.filter(({ name }) => namespaceOfSet(name) === namespace);
}
