import type { Target } from "../attach/index.ts";
import { enums } from "../gen/layout.ts";

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

/**
 * What a node has, chosen so that all of it used is bearable. Each attach point takes 25 kB a
 * processor; each value up to 1 kB of kernel memory and for a moment 2 kB of the agent's, where its attach
 * point has more than 1,024 selectors 1 kB, too, and each list of values 4 kB; each executable a row on every attach point that
 * compares executables; each hook an entry in `stops` of bpf/maps.h, which has room for twice as many.
 */
export const nodeLimits = {
  attachPoints: 512,
  executablePoints: 128,
  values: 131_072,
  executables: 4_096,
  hooks: enums.map_limit.STOPS_MAX / 2,
} as const;

/** How much it is. */
export function sizeOf(amount: Amount): number {
  return typeof amount === "number" ? amount : amount.size;
}

/** What is needed of one resource, by the resource's key. */
export type Need<A extends Amount = Amount> = readonly [key: string, resource: Resource, amount: A];
type Asked<A extends Amount> = {
  readonly what: string;
  readonly limit: number;
  readonly amount: A;
};

/** An attach point, as resources of its own are named: not by its kind, which depends on who else is there. */
export type Place = Pick<Target, "symbol" | "site">;

/** A need of what each attach point has only so much of. */
export function onAttachPoint<A extends Amount>(
  { symbol, site }: Place,
  { what, limit, amount }: Asked<A>,
): Need<A> {
  return [`${site} ${what}`, { symbol, what, limit }, amount];
}

/** A need of what a node has only so much of. */
export function onNode<A extends Amount>({ what, limit, amount }: Asked<A>): Need<A> {
  return [what, { what, limit }, amount];
}
