import type { Condition } from "@guardbee/policy";
import { enums } from "../gen/layout.ts";
import type { AttachPoint, PlannedHook } from "./plan.ts";
import { assignSlots, isCompared, slotKey } from "./slots.ts";

/** Something that the engine has only so much of, on one attach point or on the whole node. */
export type Resource = {
  /** Function that is hooked; undefined: of the node. */
  readonly symbol?: string;
  /** What is counted: `selectors`. */
  readonly what: string;
  readonly limit: number;
};

/** How much of a resource: a number, or things that policies which need the same ones share. */
export type Amount = number | ReadonlySet<string>;

/** What one set needs, by the resource's key. */
export type Needs = ReadonlyMap<string, { readonly resource: Resource; readonly amount: Amount }>;

/**
 * What a node has, chosen so that all of it used is bearable. Each attach point takes 25 kB a
 * processor; each value up to 1 kB of kernel memory and for a moment 2 kB of the agent's; each
 * executable a row on every attach point that compares executables; each hook an entry in `stops`
 * of bpf/maps.h, which has room for twice as many.
 */
export const nodeLimits = {
  attachPoints: 512,
  executablePoints: 128,
  values: 32_768,
  executables: 4_096,
  hooks: enums.map_limit.STOPS_MAX / 2,
} as const;

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
  for (const point of points) addNeeds(needs, needsOn(point, point.hooks));
  return [...needs.values()].every(({ resource, amount }) => sizeOf(amount) <= resource.limit);
}

function addNeeds(needs: MutableNeeds, more: readonly Need[]): void {
  for (const [key, resource, amount] of more) {
    const before = needs.get(key)?.amount;
    needs.set(key, { resource, amount: before === undefined ? amount : both(before, amount) });
  }
}

/** How much it is. */
export function sizeOf(amount: Amount): number {
  return typeof amount === "number" ? amount : amount.size;
}

type Need = readonly [key: string, resource: Resource, amount: Amount];

function needsOn(point: AttachPoint, hooks: readonly PlannedHook[]): readonly Need[] {
  // Not the kind: that depends on who else is there.
  const { symbol, site: place } = point;
  const slots = assignSlots({ ...point, hooks }).slots;
  const selectors = hooks.flatMap((hook) => hook.selectors);
  const conditions = selectors.flatMap((selector) => selector.conditions);
  const values = conditions.reduce((count, { values }) => count + values.length, 0);
  const executables = conditions.flatMap((one) =>
    one.by === "binary" ? one.values.map((path) => `${one.op.endsWith("Prefix")} ${path}`) : [],
  );
  const here = (what: string, limit: number, amount: Amount): Need => [
    `${place} ${what}`,
    { symbol, what, limit },
    amount,
  ];
  const onNode = (what: string, limit: number, amount: Amount): Need => [
    what,
    { what, limit },
    amount,
  ];
  const needs = [
    here("selectors", enums.engine_limit.WORDS_MAX * 64, selectors.length),
    here(
      "compared arguments",
      enums.engine_limit.SLOTS_MAX,
      new Set(slots.filter(isCompared).map(slotKey)),
    ),
    here("arguments", enums.engine_limit.READINGS_MAX, new Set(slots.map(slotKey))),
    here(
      "different matchCapabilities",
      enums.engine_limit.CAP_TESTS_MAX,
      new Set(conditions.flatMap(testKey)),
    ),
    onNode("attach points", nodeLimits.attachPoints, new Set([place])),
    onNode(
      "attach points that compare executables",
      nodeLimits.executablePoints,
      new Set(executables.length > 0 ? [place] : []),
    ),
    onNode("hooks", nodeLimits.hooks, hooks.length),
    onNode("values", nodeLimits.values, values),
    onNode("executables", nodeLimits.executables, new Set(executables)),
    onNode(
      "policies that follow descriptors",
      enums.engine_limit.FOLLOW_GROUPS,
      new Set(hooks.flatMap(({ follows, set }) => (follows ? [set.name] : []))),
    ),
  ];
  return needs.filter(([, , amount]) => sizeOf(amount) > 0);
}

function testKey(condition: Condition): readonly string[] {
  return condition.by === "capability" ? [capabilityTest(condition)] : [];
}

/** Conditions with the same test differ at most in their operator. */
export function capabilityTest(condition: Condition & { readonly by: "capability" }): string {
  return `${condition.set} ${condition.userNamespace} ${condition.values}`;
}

function both(a: Amount, b: Amount): Amount {
  if (typeof a === "number" || typeof b === "number") return sizeOf(a) + sizeOf(b);
  return a.union(b);
}
