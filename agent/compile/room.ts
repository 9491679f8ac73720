import { isRegoSet, namespaceOfSet } from "@guardbee/policy/sets";
import type { AttachAbilities } from "../attach/index.ts";
import type { NamedSet, Refusal } from "../engine.ts";
import { hasRoomFor, type Needs, needsOf } from "./needs.ts";
import { type AttachPoint, type Plan, plan } from "./plan.ts";
import { type Amount, type Resource, sizeOf } from "./resources.ts";

/** What is in force now, by name, and what it needs. */
export type InForce = ReadonlyMap<string, { readonly hash: string; readonly needs: Needs }>;

/** A plan, and the sets that are not in it because there is no room for them. */
export type PlanInRoom = Plan & {
  readonly fitting: readonly NamedSet[];
  readonly crowded: ReadonlyMap<string, Refusal>;
};

/**
 * As `plan`, with what there is room for. `before`: what is in force now, by name. Sets in `later`
 * keep their room and are not in the plan.
 */
export function planInRoom(
  sets: readonly NamedSet[],
  before: ReadonlyMap<string, NamedSet>,
  can: AttachAbilities,
  later: ReadonlySet<string> = new Set(),
): PlanInRoom {
  const edited = sets.flatMap(({ name, hash }) => {
    const set = before.get(name);
    return set === undefined || set.hash === hash ? [] : [set];
  });
  const needs = needsOf(plan(edited, can).points);
  const planned = plan(sets, can); // last: that is what the next call finds known
  const inForce = new Map(
    [...before].map(([name, { hash }]) => [name, { hash, needs: needs.get(name) ?? new Map() }]),
  );
  const crowded = roomFor(planned.points, inForce);
  if (crowded.size + later.size === 0) return { ...planned, fitting: sets, crowded };
  const fitting = sets.filter(({ name }) => !crowded.has(name) && !later.has(name));
  return { points: plan(fitting, can).points, refused: planned.refused, fitting, crowded };
}

/**
 * The sets for which the engine has no room, so that all others fit. Cluster policies go first:
 * those in force that need no more than they have, those that need more, new ones, each by name.
 * Namespaced ones share what is left: the next is always that of the namespace that would then hold
 * the least, measured by the resource of which it holds most (dominant resource fairness, Ghodsi et
 * al. 2011). A namespace that asks for no more than its even share is therefore never refused, and
 * what is chosen among namespaces depends on the sets alone, not on which came first. Only where two
 * would hold the same, what is in force goes first: nobody gets ahead by a name that sorts first.
 * Last come those that yield, each by name: in force or not, they keep out no other.
 */
export function roomFor(
  points: readonly AttachPoint[],
  inForce: InForce,
): ReadonlyMap<string, Refusal> {
  if (hasRoomFor(points)) return new Map();
  const needs = needsOf(points);
  const sets = new Map(points.flatMap(({ hooks }) => hooks.map(({ set }) => [set.name, set])));
  const refused = new Map<string, Refusal>();
  const room = new Room();
  const place = (set: NamedSet): void => {
    const lack = room.take(set, needs.get(set.name)!);
    if (lack !== undefined) refused.set(set.name, lack);
  };
  const all = [...sets.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const sorted = all.filter((set) => set.yields !== true);
  const rank = (set: NamedSet) => rankOf(set, needs.get(set.name)!, inForce);
  const cluster = sorted.filter((set) => namespaceOf(set) === "");
  for (const set of cluster.sort((a, b) => rank(a) - rank(b))) place(set);
  const namespaced = sorted.filter((set) => namespaceOf(set) !== "");
  const share = (set: NamedSet | undefined) =>
    set === undefined ? Number.POSITIVE_INFINITY : room.shareWith(set, needs.get(set.name)!);
  const queues = [...Map.groupBy(namespaced, namespaceOf).values()].map(
    (left): Queue => ({ left, share: share(left[0]), rank: rank(left[0]!) }),
  );
  for (;;) {
    const next = queues.filter(({ left }) => left.length > 0).reduce(lesser, undefined);
    if (next === undefined) break;
    place(next.left.shift()!);
    const [first] = next.left;
    next.share = share(first);
    next.rank = first === undefined ? 0 : rank(first);
  }
  for (const set of all) if (set.yields === true) place(set);
  return refused;
}

/** A namespace's sets that have no place yet; its share with the first of them, and that one's rank. */
type Queue = { readonly left: NamedSet[]; share: number; rank: number };

function lesser(least: Queue | undefined, queue: Queue): Queue {
  if (least === undefined || queue.share < least.share) return queue;
  return queue.share === least.share && queue.rank < least.rank ? queue : least;
}

/** 0: in force, and needs no more than before. 1: needs more. 2: new. */
function rankOf({ name, hash }: NamedSet, needs: Needs, inForce: InForce): number {
  const before = inForce.get(name);
  if (before === undefined) return 2;
  const same =
    before.hash === hash ||
    [...needs].every(([key, { amount }]) => isNoMore(amount, before.needs.get(key)?.amount));
  return same ? 0 : 1;
}

function isNoMore(amount: Amount, had: Amount | undefined): boolean {
  if (had === undefined) return false;
  if (typeof amount === "number") return amount <= sizeOf(had);
  return typeof had !== "number" && amount.isSubsetOf(had);
}

/** Whose a set is; empty: the cluster's, as is all that a RegoPolicy of the cluster generates. */
export function namespaceOf({ name, set }: NamedSet): string {
  return isRegoSet(name) && namespaceOfSet(name) === undefined ? "" : (set.policy.namespace ?? "");
}

/** Of one resource: who holds how much. */
type Use = {
  readonly resource: Resource;
  readonly all: Tally;
  readonly cluster: Tally;
  /** What each namespace holds and no cluster policy does. */
  readonly namespaces: Map<string, Tally>;
};

/** How much of a resource is held, each key once. */
class Tally {
  #count = 0;
  readonly #keys = new Set<string>();

  get size(): number {
    return this.#count + this.#keys.size;
  }

  add(amount: Amount): void {
    if (typeof amount === "number") this.#count += amount;
    else for (const key of amount) this.#keys.add(key);
  }

  /** The part of an amount that is not held yet. */
  lacking(amount: Amount): Amount {
    return typeof amount === "number" ? amount : amount.difference(this.#keys);
  }
}

/** What is left of each resource. */
class Room {
  /** By the resource's key. Written by `take`. */
  readonly #uses = new Map<string, Use>();

  /** Takes all that a set needs, or nothing and says what is lacking. */
  take(set: NamedSet, needs: Needs): Refusal | undefined {
    for (const [key, { resource, amount }] of needs) {
      if (sizeOf(amount) > resource.limit) return tooMuch(resource, amount);
      const use = this.#uses.get(key);
      const more = use === undefined ? 0 : sizeOf(use.all.lacking(amount));
      if (use !== undefined && use.all.size + more > resource.limit) {
        return noRoom(use, { namespace: namespaceOf(set), more });
      }
    }
    for (const [key, { resource, amount }] of needs) {
      const use = this.#uses.get(key) ?? unused(resource);
      this.#uses.set(key, use);
      use.all.add(amount);
      this.#holderOf(use, set).add(namespaceOf(set) === "" ? amount : use.cluster.lacking(amount));
    }
    return undefined;
  }

  /** The largest part that a namespaced set's namespace would hold with it, of what is left to all. */
  shareWith(set: NamedSet, needs: Needs): number {
    const shares = [...needs].map(([key, { resource, amount }]) => {
      const { cluster, namespaces } = this.#uses.get(key) ?? unused(resource);
      const its = namespaces.get(namespaceOf(set)) ?? new Tally();
      const own = its.size + sizeOf(its.lacking(cluster.lacking(amount)));
      return own === 0 ? 0 : own / (resource.limit - cluster.size);
    });
    return Math.max(0, ...shares);
  }

  #holderOf({ cluster, namespaces }: Use, set: NamedSet): Tally {
    const namespace = namespaceOf(set);
    if (namespace === "") return cluster;
    const its = namespaces.get(namespace) ?? new Tally();
    namespaces.set(namespace, its);
    return its;
  }
}

function unused(resource: Resource): Use {
  return { resource, all: new Tally(), cluster: new Tally(), namespaces: new Map() };
}

function tooMuch(resource: Resource, amount: Amount): Refusal {
  const message = `${where(resource)}${sizeOf(amount)} ${resource.what}; ${limitOf(resource)}`;
  return { reason: "LimitExceeded", message };
}

/** Other namespaces are not named: the author of this one reads it in the status. */
function noRoom(
  { resource, all, cluster, namespaces }: Use,
  { namespace, more }: { readonly namespace: string; readonly more: number },
): Refusal {
  const own = namespaces.get(namespace)?.size ?? 0;
  const shares = [
    `${cluster.size} by cluster policies`,
    ...(namespace === "" ? [] : [`${own} by its namespace`]),
    ...(namespace === "" ? [] : [`${all.size - cluster.size - own} by others`]),
  ];
  const message = `${where(resource)}no room for ${more} more ${resource.what}: ${limitOf(resource)}, in use are ${shares.join(", ")}; write fewer in one of those`;
  return { reason: "NoRoom", message };
}

function where({ symbol }: Resource): string {
  return symbol === undefined ? "" : `${symbol}: `;
}

function limitOf({ symbol, limit }: Resource): string {
  return symbol === undefined
    ? `the engine takes ${limit} on one node`
    : `the engine takes ${limit} on one attach point`;
}
