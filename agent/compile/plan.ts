import {
  type AttachAbilities,
  type AttachKind,
  latest,
  type Place,
  returned,
} from "../attach/index.ts";
import type { NamedSet, Refusal } from "../engine.ts";
import { type PlannedHook, type ServedHook, serveSet } from "./serve-set.ts";

export type { PlannedHook } from "./serve-set.ts";

/** One program to attach, with every hook of every set that it serves, in bit order. */
export type AttachPoint = Place & {
  readonly kind: AttachKind;
  readonly hooks: readonly PlannedHook[];
  /** The types of its parameters, where the verifier knows them. */
  readonly parameters?: readonly string[];
};

export type Plan = {
  readonly points: readonly AttachPoint[];
  /** By set name. A refused set has no hook in `points`. */
  readonly refused: ReadonlyMap<string, Refusal>;
};

/**
 * Which programs serve `sets` on this kernel, the cheapest that give the full meaning. A set that
 * cannot be served in full is refused as a whole. Order of sets and hooks decides nothing.
 */
export function plan(sets: readonly NamedSet[], can: AttachAbilities): Plan {
  const refused = new Map<string, Refusal>();
  const bySite = new Map<string, ServedHook[]>();
  for (const set of [...sets].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const served = serveSet(set, can);
    if ("reason" in served) {
      refused.set(set.name, served);
      continue;
    }
    for (const one of served) {
      const there = bySite.get(one.target.site);
      if (there === undefined) bySite.set(one.target.site, [one]);
      else there.push(one);
    }
  }
  return { points: [...bySite.values()].flatMap((served) => pointsOf(served, can)), refused };
}

/** What was planned last at a site: of twenty attach points, an edit changes one. */
const planned = new WeakMap<AttachAbilities, Map<string, readonly AttachPoint[]>>();
/** More than a node has at once. */
const mostPlanned = 4096;

/** What serves hooks of one site. For the same hooks the same objects. */
function pointsOf(served: readonly ServedHook[], can: AttachAbilities): readonly AttachPoint[] {
  const first = served[0]!;
  const kind = latest(served.map((one) => one.kind));
  const bySite = planned.get(can) ?? new Map<string, readonly AttachPoint[]>();
  const known = bySite.get(first.target.site);
  const isKnown =
    known?.[0]?.kind === kind &&
    known[0].hooks.length === served.length &&
    known[0].hooks.every((hook, i) => hook === served[i]!.hook);
  if (known !== undefined && isKnown) return known;
  const { reported: _, ...place } = first.target;
  const parameters = kind.parameters?.(place, can);
  const hooks = served.map(({ hook }) => hook);
  const point = { ...place, kind, hooks, ...(parameters && { parameters }) };
  const points = [point, ...otherEnd(point)];
  if (bySite.size >= mostPlanned) bySite.clear();
  planned.set(can, bySite.set(first.target.site, points));
  return points;
}

/** Where the events of `point` wait for what calls return: what completes them, for the same hooks. */
function otherEnd(point: AttachPoint): readonly AttachPoint[] {
  const { kind, hooks, site } = point;
  if (kind.sees !== "entry" || !hooks.some(({ hook }) => hook.returned !== undefined)) return [];
  return [{ ...point, kind: returned, site: `return of ${site}` }];
}

/** How status names an attach point: `fmod_ret:__x64_sys_write`. */
export function describePoint({ kind, symbol }: AttachPoint): string {
  return `${kind.name}:${symbol}`;
}
