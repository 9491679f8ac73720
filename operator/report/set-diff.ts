import { canonicalJson, type Hook, oneLine, type SelectorSet } from "@guardbee/policy";
import { describeHook, describeLabels, describeScope, describeSelector } from "./describe-set.ts";

/** One selector of one hook, as it would change. */
export type SelectorChange = {
  readonly change: "new" | "changed" | "removed";
  readonly hook: string;
  readonly before?: string;
  readonly after?: string;
};

export type Change = { readonly before: string; readonly after: string };

/** What differs between what is in force and what would be. */
export type SetDiff = {
  readonly mode?: Change;
  readonly scope?: Change;
  readonly nodes?: Change;
  readonly selectors: readonly SelectorChange[];
  /** Selectors that are in both. */
  readonly unchanged: number;
  /** The same selectors in another order: the first that matches wins. */
  readonly reordered: boolean;
};

/** Compares two sets; without `before`, everything of `after` is new. Pure. */
export function diffSets(before: SelectorSet | undefined, after: SelectorSet): SetDiff {
  const old = new Map((before?.hooks ?? []).map((hook) => [keyOf(hook), hook]));
  const now = new Map(after.hooks.map((hook) => [keyOf(hook), hook]));
  const keys = new Set([...old.keys(), ...now.keys()]);
  const hooks = [...keys].map((key) => diffHook(old.get(key), now.get(key)));
  return {
    ...changed("mode", before?.mode, after.mode),
    ...changed("scope", before && describeScope(before.scope), describeScope(after.scope)),
    ...changed("nodes", before && describeNodes(before), describeNodes(after)),
    selectors: hooks.flatMap(({ selectors }) => selectors),
    unchanged: hooks.reduce((sum, { unchanged }) => sum + unchanged, 0),
    reordered: hooks.some(({ reordered }) => reordered),
  };
}

/** Whether the same processes would be treated differently, wherever the set holds in both. */
export function actsDifferently(before: SelectorSet, after: SelectorSet): boolean {
  return canonicalJson([before.mode, before.hooks]) !== canonicalJson([after.mode, after.hooks]);
}

/** A hook is the same one while it is attached to the same call and reads the same arguments. */
function keyOf({ on, args }: Hook): string {
  return canonicalJson([on, args]);
}

type HookDiff = Pick<SetDiff, "selectors" | "unchanged" | "reordered">;

function diffHook(before: Hook | undefined, after: Hook | undefined): HookDiff {
  const [old, now] = [selectorsOf(before), selectorsOf(after)];
  const kept = (after === undefined ? [] : now).filter(({ key }) => has(old, key));
  const gone = old.filter(({ key }) => !has(now, key));
  const come = now.filter(({ key }) => !has(old, key));
  const hook = describeHook((after ?? before)!); // one of them is there
  const selectors = Array.from(
    { length: Math.max(gone.length, come.length) },
    (_, i): SelectorChange => {
      const [was, is] = [gone[i], come[i]];
      const change = was === undefined ? "new" : is === undefined ? "removed" : "changed";
      return {
        ...{ change, hook },
        ...(was === undefined ? {} : { before: was.text }),
        ...(is === undefined ? {} : { after: is.text }),
      };
    },
  );
  const order = (all: readonly Keyed[]) => all.map(({ key }) => key).join("\n");
  const keptBefore = old.filter(({ key }) => has(now, key));
  const reordered = order(kept) !== order(keptBefore);
  return { selectors, unchanged: kept.length, reordered };
}

type Keyed = { readonly key: string; readonly text: string };

/** A hook without selectors reports every call, which is a selector that always matches. */
function selectorsOf(hook: Hook | undefined): readonly Keyed[] {
  if (hook === undefined) return [];
  const { args, message, tags = [], returned } = hook;
  const about = [
    ...(message === undefined ? [] : [message]),
    ...tags.map((tag) => `#${tag}`),
    ...(returned === undefined ? [] : ["with what it returns"]),
  ];
  const suffix = about.length === 0 ? "" : ` (${about.join(" ")})`;
  const all = hook.selectors.length === 0 ? [{ conditions: [], actions: [] }] : hook.selectors;
  return all.map((one) => ({
    key: canonicalJson([one, message, tags, returned]),
    text: oneLine(`${describeSelector(one, args)}${suffix}`),
  }));
}

function has(all: readonly Keyed[], key: string): boolean {
  return all.some((one) => one.key === key);
}

function describeNodes({ nodes }: SelectorSet): string {
  return nodes === undefined ? "every node" : `nodes with ${describeLabels(nodes)}`;
}

function changed<K extends string>(
  key: K,
  before: string | undefined,
  after: string,
): Partial<Record<K, Change>> {
  if (before === undefined || before === after) return {};
  return { [key]: { before, after } } as Record<K, Change>;
}
