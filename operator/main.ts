import { after, done, Lease, orAborted, runTogether, serveHealth, type Work } from "@guardbee/kube";
import type { Certificates } from "./admission/certificates.ts";
import { warnOfUnseen } from "./admission/unseen-warning.ts";
import { startWebhook, type WebhookOptions } from "./admission/webhook.ts";
import type { FleetListener } from "./fleet/fleet-listener.ts";
import { lead } from "./lead.ts";
import { FleetCounter } from "./metrics/fleet-counts.ts";
import { type OperatorParts, openOperator } from "./open-operator.ts";
import type { OperatorOptions } from "./options.ts";
import { policyChanged } from "./queues.ts";

export type { OperatorOptions } from "./options.ts";

/**
 * Runs the operator until `signal` aborts. Every replica follows the cluster and gets guard rails
 * ready; the one that holds the Lease writes, and only when it has seen the whole of it. Throws what
 * stops it at the start: no API server known, no Rego module, a port in use. A part that throws
 * later is a bug; it takes the others down with it, and the pod is restarted.
 */
export async function runOperator(options: OperatorOptions, signal: AbortSignal): Promise<void> {
  const parts = await openOperator(options);
  const { fleet, switches, rego, queues } = parts;
  try {
    const certificates = await openWebhook(options.webhook, parts, signal);
    await openHealth(options.healthPort, parts, certificates, signal);
    await runTogether(
      [
        (each) => fleet.run(listenerOf(parts), each),
        (each) => switches.run(() => rego.bump(), each),
        (each) => queues.prepare.run(prepareWork(parts), each),
        (each) => leadWhileHeld(options, parts, each),
        ...(certificates === undefined ? [] : [(each: AbortSignal) => certificates.run(each)]),
      ],
      signal,
    );
  } finally {
    await parts.close();
  }
}

/** What a change of the cluster asks for. */
function listenerOf({ queues, rego }: OperatorParts): FleetListener {
  return {
    policyChanged: (name) => policyChanged(queues, name),
    nodeChanged: (name) => queues.nodes.add(name),
    namespaceChanged: (name) => {
      rego.inventoryChanged(name);
      rego.bump();
    },
    nodeFactsChanged: () => rego.inventoryChanged(),
  };
}

/** Each replica judges what is being applied, and the next leader is one of them. */
function prepareWork({ rego, known }: OperatorParts): Work {
  return async (name, signal) => {
    await orAborted(known, signal);
    const dueInMs = await rego.prepare(name, signal);
    return Number.isFinite(dueInMs) ? after(dueInMs) : done;
  };
}

function leadWhileHeld(
  options: OperatorOptions,
  parts: OperatorParts,
  signal: AbortSignal,
): Promise<void> {
  const leads = (leading: AbortSignal) => lead(parts, options, leading);
  if (options.leaderElection === "none") return leads(signal);
  const { connection, namespace, clock, log } = parts;
  const lease = new Lease({
    ...{ connection, namespace, clock, log: log.child({ component: "lease" }) },
    name: "guardbee-operator",
    identity: options.identity ?? `${process.env.HOSTNAME ?? "operator"}_${process.pid}`,
  });
  return lease.run(leads, signal);
}

async function openWebhook(
  options: WebhookOptions | undefined,
  { connection, namespace, clock, log, fleet, judgements, seen }: OperatorParts,
  signal: AbortSignal,
): Promise<Certificates | undefined> {
  if (options === undefined) return undefined;
  return startWebhook(
    options,
    {
      ...{ connection, namespace, clock, log: log.child({ component: "webhook" }) },
      judge: async (policy, within) => {
        const judgement = await judgements.check(policy, within);
        return warnOfUnseen(judgement, fleet);
      },
      ready: seen,
    },
    signal,
  );
}

async function openHealth(
  port: number | undefined,
  { metrics, fleet, queues, sandboxes, log, seen }: OperatorParts,
  certificates: Certificates | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (port === undefined) return;
  let tried = certificates === undefined;
  certificates?.tried.then(() => {
    tried = true;
  });
  const counter = new FleetCounter(fleet);
  const { policies, regoPolicies, nodes } = queues;
  metrics.collectProcess();
  metrics.follow({
    queues: () => (policies.runs ? { policies, regoPolicies, nodes } : {}),
    leads: () => policies.runs,
    fleet: () => counter.count(),
    rego: () => sandboxes,
  });
  const health = { alive: () => true, ready: () => seen() && tried, metrics: metrics.registry };
  await serveHealth(health, { port, log: log.child({ component: "health" }) }, signal);
}
