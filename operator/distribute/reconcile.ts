import { isDeepStrictEqual } from "node:util";
import {
  after,
  applyObject,
  type Clock,
  deleteObject,
  done,
  type KubeConnection,
  type Outcome,
} from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy";
import { fieldManager } from "../field-manager.ts";
import type { Fleet } from "../fleet/fleet.ts";

export type NodeDeps = {
  readonly connection: KubeConnection;
  readonly fleet: Fleet;
  readonly pace: NodePace;
};

/**
 * When each NodePolicySet was last written, by us as leader: the first change is written at once,
 * then at most one an interval. A hundred policies applied together are two writes a node.
 */
export class NodePace {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  /** By node, monotonic. Written by wrote and forget. */
  readonly #wroteMs = new Map<string, number>();

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** How long the next write has to wait. */
  waitMs(node: string): number {
    const wroteMs = this.#wroteMs.get(node) ?? Number.NEGATIVE_INFINITY;
    return Math.max(wroteMs + this.#intervalMs - this.#clock.monotonic(), 0);
  }

  wrote(node: string): void {
    this.#wroteMs.set(node, this.#clock.monotonic());
  }

  forget(node: string): void {
    this.#wroteMs.delete(node);
  }
}

/**
 * One node: writes into its NodePolicySet which sets it is to hold, when that is not what is there.
 * A node that no set selects has an empty one, so that its agent can tell "nothing" from "unknown".
 */
export async function reconcileNode(
  name: string,
  { connection, fleet, pace }: NodeDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const node = fleet.node(name);
  const there = fleet.nodeSets(name);
  const resource = resourceOf("NodePolicySet");
  if (node === undefined) {
    pace.forget(name);
    // The garbage collector does this too, where one runs.
    if (there !== undefined) await deleteObject(connection, resource, { name }, signal);
    return done;
  }
  const sets = fleet.setsFor(node);
  if (there?.ownerUid === node.uid && isDeepStrictEqual(there.sets, sets)) return done;
  const waitMs = pace.waitMs(name);
  if (waitMs > 0) return after(waitMs);
  const owner = { apiVersion: "v1", kind: "Node", name, uid: node.uid };
  const labels = { "app.kubernetes.io/managed-by": fieldManager };
  const object = { metadata: { name, labels, ownerReferences: [owner] }, spec: { sets } };
  await applyObject(connection, { resource, object }, { fieldManager, force: true }, signal);
  pace.wrote(name);
  return done;
}
