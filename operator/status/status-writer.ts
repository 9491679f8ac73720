import { isDeepStrictEqual } from "node:util";
import {
  after,
  applyStatus,
  type Clock,
  done,
  isKubeError,
  isNotOlder,
  type KubeConnection,
  type Outcome,
  OwnWrites,
} from "@guardbee/kube";
import type { PolicyStatus } from "@guardbee/policy";
import { fieldManager } from "../field-manager.ts";
import type { PolicyEntry } from "../fleet/objects.ts";

type Stored = Pick<PolicyEntry, "resourceVersion" | "status">;

/** When a policy's status was written last. Times are monotonic. */
type Pace = {
  readonly uid: string;
  readonly atMs: number;
  /** How long after it another state may be written, and what only counts on. */
  readonly stateMs: number;
  readonly countMs: number;
  /** When its nodes are looked at again. */
  readonly lookMs: number;
};

/** The shortest of an interval's parts: a second. */
const parts = 5;
/** Of the time between counts, in intervals: a minute. */
const maxCountIntervals = 12;
/** Rolling up looks at each: so many more are one part more between two looks. */
const nodesAPart = 1_000;

/**
 * Writes policy statuses: only what differs from what the API server has, the first at once; what
 * waits is computed anew when its time has come. While one write follows another, the time between
 * them grows: of a state (its conditions and modes) from a fifth of the interval to all of it, so
 * that a policy is Ready soon after its last node and one that flaps does not burden the API
 * server; of what only counts on, as nodes report one after the other, from one interval to twelve,
 * so that a change costs no more writes in a fleet of thousands.
 */
export class StatusWriter {
  readonly #connection: KubeConnection;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #writes: OwnWrites<Stored>;
  /** By set name. Written by write and forget. */
  readonly #paces = new Map<string, Pace>();

  constructor(connection: KubeConnection, clock: Clock, intervalMs: number) {
    this.#connection = connection;
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#writes = new OwnWrites<Stored>({ shows: isNotOlder, clock });
  }

  /** What status the policy has: our own last write until the watch shows it, else what that shows. */
  current(policy: PolicyEntry): PolicyStatus | undefined {
    return this.#writes.current(policy.setName, policy)?.status;
  }

  /** How long until its nodes are worth another look. */
  dueInMs(policy: PolicyEntry): number {
    const lookMs = this.#paceOf(policy)?.lookMs ?? 0;
    return Math.max(lookMs - this.#clock.monotonic(), 0);
  }

  /** Writes `status` when it is new and due; otherwise says when to come again. */
  async write(policy: PolicyEntry, status: PolicyStatus, signal: AbortSignal): Promise<Outcome> {
    const { setName, uid } = policy;
    const there = this.current(policy);
    if (sameStatus(status, there)) return done;
    const nowMs = this.#clock.monotonic();
    const pace = this.#paceOf(policy);
    const counts = sameState(status, there);
    if (pace !== undefined) {
      const dueMs = pace.atMs + (counts ? pace.countMs : pace.stateMs);
      if (dueMs > nowMs) {
        const lookMs = Math.min(nowMs + this.#betweenLooksMs(status), dueMs);
        this.#paces.set(setName, { ...pace, lookMs });
        return after(lookMs - nowMs);
      }
    }
    const { name, namespace } = policy.object.metadata;
    const metadata = { name, ...(namespace === undefined ? {} : { namespace }), uid };
    const object = { metadata, status };
    const target = { resource: policy.resource, object };
    try {
      const options = { fieldManager, force: true };
      const { metadata: stored } = await applyStatus(this.#connection, target, options, signal);
      this.#writes.wrote(setName, { resourceVersion: stored.resourceVersion ?? "", status });
    } catch (error) {
      // Gone, or replaced by another of its name: the watch tells, and there is nothing to say.
      if (isKubeError(error, 404) || isKubeError(error, 409)) return done;
      throw error;
    }
    const intervalMs = this.#intervalMs;
    const maxCountMs = intervalMs * maxCountIntervals;
    const follows = pace !== undefined && nowMs - pace.atMs <= 2 * maxCountMs;
    this.#paces.set(setName, {
      uid,
      atMs: nowMs,
      stateMs: follows ? Math.min(2 * pace.stateMs, intervalMs) : intervalMs / parts,
      countMs: follows && counts ? Math.min(2 * pace.countMs, maxCountMs) : intervalMs,
      lookMs: nowMs + this.#betweenLooksMs(status),
    });
    return done;
  }

  forget(setName: string): void {
    this.#writes.forget(setName);
    this.#paces.delete(setName);
  }

  #paceOf({ setName, uid }: PolicyEntry): Pace | undefined {
    const pace = this.#paces.get(setName);
    return pace?.uid === uid ? pace : undefined;
  }

  #betweenLooksMs({ nodes }: PolicyStatus): number {
    const wanted = Math.ceil((nodes?.desired ?? 0) / nodesAPart);
    return (this.#intervalMs / parts) * Math.min(Math.max(wanted, 1), parts);
  }
}

/** Equal but for numbers, names and messages. */
function sameState(a: PolicyStatus, b: PolicyStatus | undefined): boolean {
  return b !== undefined && isDeepStrictEqual(stateOf(a), stateOf(b));
}

function stateOf({ observedGeneration, conditions = [], mode, rollout, trial }: PolicyStatus) {
  const states = conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`);
  const stages = [rollout?.state, rollout?.wave, trial?.state];
  return [observedGeneration, states.sort(), mode, ...stages];
}

/** Equal content: the server keeps conditions in an order of its own. */
function sameStatus(a: PolicyStatus, b: PolicyStatus | undefined): boolean {
  return b !== undefined && isDeepStrictEqual(inOrder(a), inOrder(b));
}

function inOrder(status: PolicyStatus): PolicyStatus {
  const conditions = [...(status.conditions ?? [])].sort((a, b) => (a.type < b.type ? -1 : 1));
  return { ...status, conditions };
}
