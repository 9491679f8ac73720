import type { Action, Hook, Selector } from "@guardbee/policy";
import {
  actionsOf,
  asksDigest,
  effectOf,
  followsDescriptors,
  isEnforcing,
  postOf,
  requestsOf,
} from "@guardbee/policy/sets";
import {
  type AttachAbilities,
  type AttachKind,
  latest,
  type Need,
  type Paths,
  type Place,
  partsOf,
  type Reported,
  returned,
  serve,
  servedHook,
  type Target,
} from "../attach/index.ts";
import type { NamedSet, Refusal } from "../engine.ts";

/** One program to attach, with every hook of every set that it serves, in bit order. */
export type AttachPoint = Place & {
  readonly kind: AttachKind;
  readonly hooks: readonly PlannedHook[];
  /** The types of its parameters, where the verifier knows them. */
  readonly parameters?: readonly string[];
};

/** A hook of a set. */
export type PlannedHook = {
  readonly set: NamedSet;
  readonly index: number;
  readonly hook: Hook;
  /** At least one: a hook without selectors has one that always matches. */
  readonly selectors: readonly Selector[];
  /** The set follows descriptors, so its `fd` arguments count only for those. */
  readonly follows: boolean;
  /** As in Need. */
  readonly everyCall: boolean;
  readonly reported: Reported;
  /** Where the paths of its arguments lead, by `pathKey`; absent: they have none. */
  readonly paths?: Paths;
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
    const served = serveAll(set, can);
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
  const points = [...bySite.values()].map((served) => {
    const { reported: _, ...place } = served[0]!.target;
    const kind = latest(served.map((one) => one.kind));
    const parameters = kind.parameters?.(place, can);
    const hooks = served.map(({ hook }) => hook);
    return { ...place, kind, hooks, ...(parameters && { parameters }) };
  });
  return { points: points.flatMap((point) => [point, ...otherEnd(point)]), refused };
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

type ServedHook = {
  readonly kind: AttachKind;
  readonly target: Target;
  readonly hook: PlannedHook;
};

/** How each hook of `set` is served, on every entry of its system call; or why one of them is not. */
function serveAll(set: NamedSet, can: AttachAbilities): readonly ServedHook[] | Refusal {
  const all: ServedHook[] = [];
  const follows = followsDescriptors(set.set);
  for (const [index, written] of set.set.hooks.entries()) {
    const here = servedHook(written, can);
    if ("reason" in here) return here;
    const { hook } = here;
    const forbidden = requestsOf(actionsOf(hook)).flatMap((one) => can.whyNoRequest(one) ?? []);
    if (forbidden.length > 0) return { reason: "NotAllowed", message: forbidden[0]! };
    const need = needOf(set, hook);
    const selectors =
      hook.selectors.length > 0 ? hook.selectors : [{ conditions: [], actions: [] }];
    const parts = partsOf(hook, can);
    if ("reason" in parts) return parts;
    for (const part of parts) {
      const served = serve(hook, { ...need, ...part }, can);
      if ("reason" in served) {
        if (hook.mayBeMissing && served.reason === "HookNotFound") break; // status says so
        return served;
      }
      const { reported } = { ...served.target, ...here };
      const { everyCall } = need;
      const planned = { set, index, hook, selectors, follows, everyCall, reported };
      all.push({ ...served, hook: { ...planned, ...(here.paths && { paths: here.paths }) } });
    }
  }
  return all;
}

function needOf({ set }: NamedSet, hook: Hook): Need {
  const actions = actionsOf(hook);
  const enforces = set.mode === "enforce";
  const effects = actions.map(effectOf);
  const stopping = (all: readonly Action[]) =>
    enforces && all.some((one) => isEnforcing(one) || effectOf(one).enforces);
  const follows = effects.some(({ follow }) => follow !== undefined);
  const stops = stopping(actions);
  return {
    onNode: set.scope.host,
    stops: stopping(hook.selectors.flatMap((selector) => selector.actions)),
    overrides:
      enforces && effects.some((one) => one.override !== undefined || one.enforces?.overrides),
    digests: hook.selectors.some(({ conditions }) => asksDigest(conditions)),
    hashes: hook.selectors.some((selector) => postOf(selector.actions)?.hashesFile === true),
    everyCall: stops || (follows && isEnforcingSet(set)),
  };
}

/** Whether some hook of it stops something: then what another follows is what that one asks. */
function isEnforcingSet({ mode, hooks }: NamedSet["set"]): boolean {
  return mode === "enforce" && hooks.some((hook) => actionsOf(hook).some(isEnforcing));
}
