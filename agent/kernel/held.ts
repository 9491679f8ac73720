import { allActions, postOf, requestsOf } from "@guardbee/policy/sets";
import { actionCodec } from "../actions/index.ts";
import { type AttachPoint, describePoint, type PlannedHook } from "../compile/plan.ts";
import type { Shared } from "../compile/shared.ts";
import type { Tables } from "../compile/tables.ts";
import type { FailedState, NamedSet, Refusal, SetState, SetStops } from "../engine.ts";
import type { HookInfo } from "./hook-info.ts";
import type { HookNumbers } from "./hook-numbers.ts";
import type { Program } from "./program.ts";
import { ReportCounts } from "./report-counts.ts";

/** An attach point that is served, and by what. */
export type Held = {
  readonly point: AttachPoint;
  readonly tables: Tables;
  readonly program: Program;
  /** What the tables were made with, beside the point. */
  readonly shared: Shared;
};

/** A hook in force: whose it is, and what its events say. */
export type HeldHook = HookInfo & { readonly set: NamedSet; readonly index: number };

/** The names of the sets that have a hook at `point`. */
export function setNames(point: AttachPoint): readonly string[] {
  return [...new Set(point.hooks.map(({ set }) => set.name))];
}

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

/** By the number that the events of a hook carry, then by that of the entry. */
export type HeldHooks = ReadonlyMap<number, ReadonlyMap<number, HeldHook>>;

/** Each hook that `held` serves; those that were in `before` go on counting. */
export function hooksOf(
  held: Iterable<Held>,
  numbers: HookNumbers,
  before: HeldHooks = new Map(),
): HeldHooks {
  const hooks = new Map<number, Map<number, HeldHook>>();
  for (const { point } of held) {
    for (const hook of point.hooks) {
      const number = numbers.of(hook);
      const entries = hooks.get(number) ?? new Map();
      hooks.set(number, entries);
      const known = entries.values().next().value ?? before.get(number)?.values().next().value;
      const reports = known?.reports ?? new ReportCounts(hook.hook.selectors.length);
      const held = { ...heldHook(hook), reports };
      for (const { symbol, number: of } of point.functions ?? []) {
        entries.set(of, { ...held, functionName: symbol });
      }
      if (point.functions === undefined) entries.set(point.entry ?? 0, held);
    }
  }
  return hooks;
}

/** What `heldHook` gave: it is asked for again with each edit of another policy. */
const infos = new WeakMap<PlannedHook, HeldHook>();

function heldHook(planned: PlannedHook): HeldHook {
  const info = infos.get(planned) ?? infoOf(planned);
  infos.set(planned, info);
  return info;
}

function infoOf({ set, index, hook, reported }: PlannedHook): HeldHook {
  const { args, returned, message, tags } = hook;
  const { learn } = set.set;
  const requests = hook.selectors.map((selector) => requestsOf(allActions(selector)));
  const returnActions = hook.selectors.map(({ returnActions = [] }) => {
    const last = returnActions.at(-1)?.action ?? returned?.action;
    return last && actionCodec(last).code;
  });
  const posts = hook.selectors.map(({ actions }) => postOf(actions));
  const hasStacks = posts.some((post) => post?.stacks !== undefined);
  const hasHash = posts.some((post) => post?.hashesFile === true);
  return {
    ...{ set, index, policy: set.set.policy, ...reported, args },
    ...(returned === undefined ? {} : { returned }),
    ...(requests.every(({ length }) => length === 0) ? {} : { requests }),
    ...(returnActions.every((code) => code === undefined) ? {} : { returnActions }),
    ...(hasStacks ? { hasStacks } : {}),
    ...(hasHash ? { hasHash } : {}),
    ...(learn?.hook === index ? { learns: learn } : {}),
    ...(message === undefined ? {} : { message }),
    ...(tags === undefined ? {} : { tags }),
  };
}

/** What the hooks of `sets` have stopped, by name. Throws KernelError. */
export function stopsOf(
  held: HeldHooks,
  sets: ReadonlySet<string>,
  numbers: HookNumbers,
): ReadonlyMap<string, SetStops> {
  const hooks = [...held].flatMap(([number, entries]) => {
    const { set, index, reports } = entries.values().next().value!;
    return sets.has(set.name) ? { set, number, selectors: reports?.all(index) ?? [] } : [];
  });
  const bySet = Map.groupBy(hooks, ({ set }) => set);
  return new Map(
    [...bySet].map(([{ name, hash }, its]) => {
      const counts = numbers.counts(its.map(({ number }) => number));
      const selectors = its
        .flatMap((one) => one.selectors)
        .sort((a, b) => a.hookIndex - b.hookIndex || a.selectorIndex - b.selectorIndex);
      return [name, { hash, ...counts, selectors }];
    }),
  );
}

/** What became of `sets`, of which `held` has each hook of those that were not refused. */
export function statesOf(
  sets: readonly NamedSet[],
  refused: ReadonlyMap<string, Refusal>,
  held: Iterable<Held>,
): readonly SetState[] {
  const servedBy = new Map<string, { readonly attachment: string; readonly index: number }[]>();
  for (const { point } of held) {
    const attachment = describePoint(point);
    for (const { set, index } of point.hooks) {
      const its = servedBy.get(set.name) ?? [];
      servedBy.set(set.name, its);
      its.push({ attachment, index });
    }
  }
  return sets.map((set) => {
    const { name, hash } = set;
    const refusal = refused.get(name);
    if (refusal !== undefined) return failedState(set, refusal);
    const its = servedBy.get(name) ?? [];
    const served = new Set(its.map(({ index }) => index));
    const missing = set.set.hooks.flatMap(({ on, mayBeMissing }, i) =>
      mayBeMissing && !served.has(i) && on.kind === "kprobe" ? [`missing:${on.call}`] : [],
    );
    const attachments = [...new Set(its.map(({ attachment }) => attachment)), ...missing];
    return { name, hash, state: "programmed", attachments: attachments.sort() };
  });
}

/** The states of those of `sets` that were refused. */
export function failedStates(
  sets: readonly NamedSet[],
  refused: ReadonlyMap<string, Refusal>,
): readonly FailedState[] {
  return sets.flatMap((set) => {
    const refusal = refused.get(set.name);
    return refusal === undefined ? [] : failedState(set, refusal);
  });
}

function failedState({ name, hash }: NamedSet, refusal: Refusal): FailedState {
  return { name, hash, state: "failed", ...refusal };
}
