import { type AttachPoint, describePoint, type PlannedHook } from "../compile/plan.ts";
import type { Shared, Tables } from "../compile/tables.ts";
import type { NamedSet, Refusal, SetState } from "../engine.ts";
import type { HookInfo } from "./hook-info.ts";
import type { HookNumbers } from "./hook-numbers.ts";
import type { Program } from "./program.ts";
import type { Classes } from "./scope-classes.ts";

/** An attach point that is served, and by what. */
export type Held = {
  readonly point: AttachPoint;
  readonly tables: Tables;
  readonly program: Program;
};

/** A hook in force: whose it is, and what its events say. */
export type HeldHook = HookInfo & { readonly set: NamedSet; readonly index: number };

/** What is to be attached; `refused` grows meanwhile. `spared`: as in Engine.program. */
export type Wish = {
  readonly sets: readonly NamedSet[];
  readonly classes: Classes;
  /** How many classes there is room for. */
  readonly capacity: number;
  readonly refused: Map<string, Refusal>;
  readonly spared: ReadonlySet<string>;
};
/** One try to attach everything; `loaded` holds over to the next try. */
export type Attempt = {
  readonly shared: Shared;
  readonly held: Map<string, Held>;
  readonly loaded: Map<string, Program>;
  readonly refused: Map<string, Refusal>;
};

/** The ones before give their numbers back at the next flip. */
export const tooManyVersions: Refusal = {
  reason: "LimitExceeded",
  message: "too many edited hooks at once on this node; it is tried again",
  mayPass: true,
};

/** By name. */
export function byName(sets: readonly NamedSet[]): ReadonlyMap<string, NamedSet> {
  return new Map(sets.map((set) => [set.name, set]));
}

/** Each hook that `held` serves, by the number that its events carry. */
export function hooksOf(held: Iterable<Held>, numbers: HookNumbers): ReadonlyMap<number, HeldHook> {
  const hooks = new Map<number, HeldHook>();
  for (const { point } of held) {
    for (const hook of point.hooks) hooks.set(numbers.of(hook), heldHook(hook, point));
  }
  return hooks;
}

function heldHook({ set, index, hook }: PlannedHook, { symbol }: AttachPoint): HeldHook {
  const { args, message, tags } = hook;
  return {
    ...{ set, index, policy: set.set.policy, functionName: symbol, args },
    ...(message === undefined ? {} : { message }),
    ...(tags === undefined ? {} : { tags }),
  };
}

/** What became of a set, of which `held` has each hook, or none when it was refused. */
export function stateOf(
  set: NamedSet,
  refusal: Refusal | undefined,
  held: Iterable<Held>,
): SetState {
  const { name, hash } = set;
  if (refusal !== undefined) return { name, hash, state: "failed", ...refusal };
  const attachments = [...held]
    .filter(({ point }) => point.hooks.some((hook) => hook.set.name === name))
    .map(({ point }) => describePoint(point));
  return { name, hash, state: "programmed", attachments: attachments.sort() };
}
