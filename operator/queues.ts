import { type Clock, WorkQueue } from "@guardbee/kube";
import { isRegoSet, namespaceOfSet } from "@guardbee/policy";
import type { Logger } from "pino";

/** What is to be looked at again, by set name or node. They take keys from the start. */
export type Queues = {
  /** Worked off while leading; RegoPolicies apart, as one that takes long must hold up no other. */
  readonly policies: WorkQueue;
  readonly regoPolicies: WorkQueue;
  readonly nodes: WorkQueue;
  /** RegoPolicies whose guard rails every replica gets ready. */
  readonly prepare: WorkQueue;
};

export function openQueues({
  clock,
  log,
}: {
  readonly clock: Clock;
  readonly log: Logger;
}): Queues {
  // What judges a policy is Rego that its namespace may have written.
  const fair = { clock, namespaceOf: namespaceOfSet, concurrency: 8 };
  const policies = { ...fair, log: log.child({ component: "policies" }) };
  return {
    policies: new WorkQueue(policies),
    regoPolicies: new WorkQueue(policies),
    nodes: new WorkQueue({ clock, concurrency: 8, log: log.child({ component: "nodes" }) }),
    prepare: new WorkQueue({ ...fair, log: log.child({ component: "prepare" }) }),
  };
}

/** The queue of a policy, by set name, that its leader works off. */
export function queueOf(queues: Queues, setName: string): WorkQueue {
  return isRegoSet(setName) ? queues.regoPolicies : queues.policies;
}

/** Has a policy looked at, by set name, after `delayMs` at the latest. */
export function policyChanged(queues: Queues, setName: string, delayMs = 0): void {
  queueOf(queues, setName).add(setName, delayMs);
  if (isRegoSet(setName)) queues.prepare.add(setName, delayMs);
}
