import { orAborted, type Work } from "@guardbee/kube";
import { allAtOnce, namespaceOfSet } from "@guardbee/policy";
import { NodePace, reconcileNode } from "./distribute/reconcile.ts";
import type { Fleet } from "./fleet/fleet.ts";
import type { SetEntry } from "./fleet/objects.ts";
import { Proposals } from "./learn/proposals.ts";
import type { OperatorParts } from "./open-operator.ts";
import type { OperatorOptions } from "./options.ts";
import { NamespaceQuota } from "./policy/namespace-quota.ts";
import { reconcilePolicy } from "./policy/reconcile.ts";
import { queueOf } from "./queues.ts";
import { StatusWriter } from "./status/status-writer.ts";

/** Times and plans of a leader, as OperatorOptions has them. */
export type LeadOptions = Pick<
  OperatorOptions,
  "statusIntervalMs" | "nodeIntervalMs" | "proposalIntervalMs" | "unreachableMs" | "rollout"
>;

/**
 * Writes what the cluster is to have until `leading` aborts: sets and statuses of policies, and the
 * lists of nodes. It begins when all is known, and has all of it looked at: what is added to a queue
 * while another leads may have changed since, and work that was aborted is not in line any more.
 */
export async function lead(
  parts: OperatorParts,
  options: LeadOptions,
  leading: AbortSignal,
): Promise<void> {
  const { fleet, rego, queues, log } = parts;
  await orAborted(parts.known, leading);
  await rego.prepareAll(leading);
  const [policies, nodes] = [fleet.setNames(), fleet.nodeNames()];
  for (const name of policies) queueOf(queues, name).add(name);
  for (const name of nodes) queues.nodes.add(name);
  log.info({ policies: policies.length, nodes: nodes.length }, "this replica leads");
  const { connection, clock } = parts;
  const { proposalIntervalMs: intervalMs } = options;
  const proposals = new Proposals({
    ...{ connection, fleet, clock, log: log.child({ component: "proposals" }) },
    ...(intervalMs === undefined ? {} : { intervalMs }),
    onCovered: (name) => queues.policies.add(name),
  });
  const work = leaderWork(parts, options, (name) => proposals.covered(name));
  await Promise.all([
    queues.policies.run(work.policies, leading),
    queues.regoPolicies.run(work.regoPolicies, leading),
    queues.nodes.run(work.nodes, leading),
    proposals.run(leading),
  ]);
}

/** What is known of one's own writes and their pace is of one term. */
function leaderWork(
  { connection, fleet, sets, judgements, metrics, clock, log }: OperatorParts,
  options: LeadOptions,
  covered: (setName: string) => boolean,
): Readonly<Record<"policies" | "regoPolicies" | "nodes", Work>> {
  const { statusIntervalMs = 5_000, unreachableMs = 120_000, rollout = allAtOnce } = options;
  const pace = new NodePace(clock, options.nodeIntervalMs ?? 2_000);
  const deps = {
    ...{ connection, fleet, judgements, sets, clock, unreachableMs, rollout },
    covered,
    quota: new NamespaceQuota((namespace) => setsIn(namespace, fleet)),
    statuses: new StatusWriter(connection, clock, statusIntervalMs),
    log: log.child({ component: "policies" }),
  };
  const policy: Work = (name, signal) => reconcilePolicy(name, deps, signal);
  const node: Work = (name, signal) => reconcileNode(name, { connection, fleet, pace }, signal);
  return {
    policies: metrics.timed("policies", policy),
    regoPolicies: metrics.timed("regoPolicies", policy),
    nodes: metrics.timed("nodes", node),
  };
}

/** SelectorSets of a namespace's policies. Of a fleet with thousands most are another's: told at a glance. */
function setsIn(namespace: string, fleet: Fleet): readonly SetEntry[] {
  const second = `${namespace}.`;
  const all = fleet.sets().filter(({ name }) => name.startsWith(second, name.indexOf(".") + 1));
  return all.filter(({ name }) => namespaceOfSet(name) === namespace);
}
