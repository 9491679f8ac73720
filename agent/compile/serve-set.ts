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
  type Need,
  type Paths,
  partsOf,
  type Reported,
  serve,
  servedHook,
  type Target,
} from "../attach/index.ts";
import type { NamedSet, Refusal } from "../engine.ts";

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

/** A hook of a set on one entry of its system call, and how it is served there. */
export type ServedHook = {
  readonly kind: AttachKind;
  readonly target: Target;
  readonly hook: PlannedHook;
};

/** What was found for sets, neither of which changes: of a thousand, an edit changes one. */
const found = new WeakMap<AttachAbilities, WeakMap<NamedSet, readonly ServedHook[]>>();

/**
 * How each hook of `set` is served, on every entry of its system call; or why one of them is not. For
 * the same set and kernel the same objects, where it depends on nothing else.
 */
export function serveSet(set: NamedSet, can: AttachAbilities): readonly ServedHook[] | Refusal {
  const known = found.get(can)?.get(set);
  if (known !== undefined) return known;
  const served = serveAll(set, can);
  if ("reason" in served) return served; // what is missing may come
  const isFixed = served.every(({ target }) => target.file === undefined); // files come with containers
  if (isFixed) {
    const ofKernel = found.get(can) ?? new WeakMap<NamedSet, readonly ServedHook[]>();
    found.set(can, ofKernel.set(set, served));
  }
  return served;
}

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
