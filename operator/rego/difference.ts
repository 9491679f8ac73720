import { isDeepStrictEqual } from "node:util";
import { hashSets, type PolicyRef, type SelectorSet, setName } from "@guardbee/policy";
import { countRules, totalOf } from "../fleet/rule-counts.ts";

/** One generated policy, and how many rules it has. */
export type DifferenceEntry = {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly rules: number;
};

/** What becoming in force would change; each list sorted by namespace, kind and name. */
export type Difference = {
  readonly new: readonly DifferenceEntry[];
  /** `parts`: which of mode, nodes, scope and hooks differ. */
  readonly changed: readonly (DifferenceEntry & { readonly parts: readonly string[] })[];
  readonly removed: readonly DifferenceEntry[];
  /** How many are the same. */
  readonly same: number;
};

const parts = ["mode", "nodes", "scope", "hooks"] as const;

/** How `next` differs from what is in force, policy by policy. Equal is what hashes equal. */
export function compareSets(
  inForce: readonly SelectorSet[],
  next: readonly SelectorSet[],
): Difference {
  const before = new Map(inForce.map((set) => [setName(set.policy), set]));
  const after = new Map(next.map((set) => [setName(set.policy), set]));
  const both = [...after].flatMap(([name, set]) => {
    const was = before.get(name);
    return was === undefined ? [] : [{ was, set }];
  });
  const changed = both.filter(({ was, set }) => hashSets([was]) !== hashSets([set]));
  const only = (all: typeof before, others: typeof before) =>
    [...all].filter(([name]) => !others.has(name)).map(([, set]) => entryOf(set));
  return {
    new: only(after, before).sort(byIdentity),
    changed: changed
      .map(({ was, set }) => ({
        ...entryOf(set),
        parts: parts.filter((part) => !isDeepStrictEqual(was[part], set[part])),
      }))
      .sort(byIdentity),
    removed: only(before, after).sort(byIdentity),
    same: both.length - changed.length,
  };
}

/** A line a policy that differs (`+` new, `~` changed, `-` removed), and one with the counts. */
export function formatDifference(difference: Difference): string {
  const line = (sign: string, one: DifferenceEntry & { readonly parts?: readonly string[] }) => {
    const name = one.namespace === undefined ? one.name : `${one.namespace}/${one.name}`;
    const rules = one.rules === 1 ? "1 rule" : `${one.rules} rules`;
    const changed = one.parts === undefined ? "" : `, other ${one.parts.join(", ")}`;
    return `${sign} ${one.kind} ${name}: ${rules}${changed}\n`;
  };
  const { new: added, changed, removed, same } = difference;
  const counts = `${added.length} new, ${changed.length} changed, ${removed.length} removed, ${same} the same\n`;
  return [
    ...added.map((one) => line("+", one)),
    ...changed.map((one) => line("~", one)),
    ...removed.map((one) => line("-", one)),
    counts,
  ].join("");
}

function entryOf(set: SelectorSet): DifferenceEntry {
  const { kind, namespace, name }: PolicyRef = set.policy;
  const rules = totalOf(countRules([set]));
  return { kind, ...(namespace === undefined ? {} : { namespace }), name, rules };
}

function byIdentity(a: DifferenceEntry, b: DifferenceEntry): number {
  const key = (one: DifferenceEntry) => `${one.namespace ?? ""} ${one.kind} ${one.name}`;
  return key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0;
}
