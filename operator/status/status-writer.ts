import { isDeepStrictEqual } from "node:util";
import {
  after,
  applyStatus,
  type Clock,
  done,
  isKubeError,
  type KubeConnection,
  type Outcome,
} from "@guardbee/kube";
import type { PolicyStatus } from "@guardbee/policy";
import type { PolicyEntry } from "../fleet/objects.ts";

/** The one field manager of everything the operator writes. */
export const fieldManager = "guardbee-operator";

type Written = { readonly uid: string; readonly status: PolicyStatus; readonly atMs: number };

/** How long the watch may take to show us our own write. */
const echoMs = 10_000;

/**
 * Writes policy statuses: only what differs from what the API server has, the first at once, and
 * then at most one per policy and interval; what waits is computed anew when its time has come.
 */
export class StatusWriter {
  readonly #connection: KubeConnection;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  /** By set name. Written by write and forget. */
  readonly #written = new Map<string, Written>();

  constructor(connection: KubeConnection, clock: Clock, intervalMs: number) {
    this.#connection = connection;
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** What status the policy has, as far as we know: our own last write until the watch shows it. */
  current(policy: PolicyEntry): PolicyStatus | undefined {
    const written = this.#written.get(policy.setName);
    if (written?.uid !== policy.uid) return policy.status;
    const echoed = this.#clock.monotonic() - written.atMs > echoMs;
    return echoed ? policy.status : written.status;
  }

  /** How long until a status of this policy may be written. */
  dueInMs({ setName, uid }: PolicyEntry): number {
    const written = this.#written.get(setName);
    if (written?.uid !== uid) return 0;
    return Math.max(written.atMs + this.#intervalMs - this.#clock.monotonic(), 0);
  }

  /** Writes `status` when it is new and due; otherwise says when to come again. */
  async write(policy: PolicyEntry, status: PolicyStatus, signal: AbortSignal): Promise<Outcome> {
    const { setName, uid } = policy;
    if (sameStatus(status, this.current(policy))) return done;
    const waitMs = this.dueInMs(policy);
    if (waitMs > 0) return after(waitMs);
    const nowMs = this.#clock.monotonic();
    const { name, namespace } = policy.object.metadata;
    const metadata = { name, ...(namespace === undefined ? {} : { namespace }), uid };
    const object = { metadata, status };
    const target = { resource: policy.resource, object };
    try {
      await applyStatus(this.#connection, target, { fieldManager, force: true }, signal);
    } catch (error) {
      // Gone, or replaced by another of its name: the watch tells, and there is nothing to say.
      if (isKubeError(error, 404) || isKubeError(error, 409)) return done;
      throw error;
    }
    this.#written.set(setName, { uid, status, atMs: nowMs });
    return done;
  }

  forget(setName: string): void {
    this.#written.delete(setName);
  }
}

/** Equal content: the server keeps conditions in an order of its own. */
function sameStatus(a: PolicyStatus, b: PolicyStatus | undefined): boolean {
  return b !== undefined && isDeepStrictEqual(inOrder(a), inOrder(b));
}

function inOrder(status: PolicyStatus): PolicyStatus {
  const conditions = [...(status.conditions ?? [])].sort((a, b) => (a.type < b.type ? -1 : 1));
  return { ...status, conditions };
}
