import { enums } from "../gen/layout.ts";
import { compilerOf } from "./conditions/index.ts";
import { askingOf, facetKey } from "./facets.ts";
import { bitsOf, selectorCount } from "./places.ts";
import type { AttachPoint, PlannedHook } from "./plan.ts";
import { pathsOf, readingKey, readingsOf } from "./readings.ts";
import {
  type Amount,
  type Need,
  nodeLimits,
  onAttachPoint,
  onNode,
  type Resource,
  sizeOf,
} from "./resources.ts";

/** What one set needs, by the resource's key. */
export type Needs = ReadonlyMap<string, { readonly resource: Resource; readonly amount: Amount }>;

type MutableNeeds = Map<string, { readonly resource: Resource; readonly amount: Amount }>;

/** What each set with a hook in `points` needs, by its name. */
export function needsOf(points: readonly AttachPoint[]): ReadonlyMap<string, Needs> {
  const needs = new Map<string, MutableNeeds>();
  for (const point of points) {
    for (const [name, hooks] of Map.groupBy(point.hooks, ({ set }) => set.name)) {
      const its: MutableNeeds = needs.get(name) ?? new Map();
      needs.set(name, its);
      addNeeds(its, needsOn(point, hooks));
    }
  }
  return needs;
}

/** Whether there is room for all of `points`: asked first, because it nearly always is. */
export function hasRoomFor(points: readonly AttachPoint[]): boolean {
  const needs: MutableNeeds = new Map();
  for (const point of points) addNeeds(needs, needsOfAll(point));
  return [...needs.values()].every(({ resource, amount }) => sizeOf(amount) <= resource.limit);
}

/** Of all hooks of a point; `plan` gives the same point again. */
const known = new WeakMap<AttachPoint, readonly Need[]>();

function needsOfAll(point: AttachPoint): readonly Need[] {
  const needs = known.get(point) ?? needsOn(point, point.hooks);
  known.set(point, needs);
  return needs;
}

function addNeeds(needs: MutableNeeds, more: readonly Need[]): void {
  for (const [key, resource, amount] of more) {
    const before = needs.get(key)?.amount;
    needs.set(key, { resource, amount: before === undefined ? amount : both(before, amount) });
  }
}

function needsOn(point: AttachPoint, hooks: readonly PlannedHook[]): readonly Need[] {
  const { WORDS_MAX, FACETS_MAX, READINGS_MAX, PATHS_MAX, FOLLOW_GROUPS } = enums.engine_limit;
  const { sees } = point.kind;
  const readings = readingsOf({ ...point, hooks });
  const asking = bitsOf(hooks).flatMap((place) => {
    if (place === undefined) return [];
    const { planned, selector } = place;
    return askingOf(planned, selector, { readings, sees }).map((one) => ({ one, planned }));
  });
  const facets = asking.map(({ one, planned }) => facetKey(compilerOf(one).facet(one, planned)));
  const values = asking.reduce(
    (sum, { one }) => sum + ("values" in one ? one.values.length : 0),
    0,
  );
  const following = hooks.flatMap(({ follows, set }) => (follows ? [set.name] : []));
  const ofPoint = [
    { what: "selectors", limit: 64 * WORDS_MAX, amount: selectorCount(hooks) },
    { what: "compared properties", limit: FACETS_MAX, amount: new Set(facets) },
    { what: "arguments", limit: READINGS_MAX, amount: new Set(readings.all.map(readingKey)) },
    { what: "resolved paths", limit: PATHS_MAX, amount: new Set(pathsOf(readings.all)) },
  ];
  const ofNode = [
    { what: "attach points", limit: nodeLimits.attachPoints, amount: new Set([point.site]) },
    { what: "hooks", limit: nodeLimits.hooks, amount: new Set(hooks.map(hookKey)) },
    { what: "values", limit: nodeLimits.values, amount: values },
    {
      what: "policies that follow descriptors",
      limit: FOLLOW_GROUPS,
      amount: new Set(following),
    },
  ];
  const needs: readonly Need[] = [
    ...ofPoint.map((need) => onAttachPoint<Amount>(point, need)),
    ...ofNode.map((need) => onNode<Amount>(need)),
    ...inOne(asking.flatMap(({ one }) => compilerOf(one).needs?.(one, point) ?? [])),
  ];
  return needs.filter(([, , amount]) => sizeOf(amount) > 0);
}

/** Equal for one hook on several entries of its system call, which are counted as one. */
function hookKey({ set, index }: PlannedHook): string {
  return `${set.name} ${index}`;
}

/** The same with one need a resource. */
function inOne(needs: readonly Need<ReadonlySet<string>>[]): readonly Need[] {
  return [...Map.groupBy(needs, ([key]) => key)].map(([key, some]): Need => {
    const keys = some.flatMap(([, , amount]) => [...amount]);
    return [key, some[0]![1], new Set(keys)];
  });
}

function both(a: Amount, b: Amount): Amount {
  if (typeof a === "number" || typeof b === "number") return sizeOf(a) + sizeOf(b);
  return a.union(b);
}
