import { hashSets, isRegoSet, setName } from "./identity.ts";
import { parseSets } from "./parse-sets.ts";
import { formatProblem, type Problem } from "./problem.ts";
import { rolloutPosition } from "./rollout.ts";
import type { SelectorSet } from "./selector-set.ts";

/** A set as the engine has it: its name there, and the hash of the object that it is in. */
export type HashedSet = {
  readonly name: string;
  readonly hash: string;
  readonly set: SelectorSet;
};

/** The sets of one SelectorSet object: none, one, or one for each policy that Rego generated. */
export type ObjectSets = {
  readonly name: string;
  /** Of the object; each of its sets carries it. */
  readonly hash: string;
  readonly sets: readonly HashedSet[];
  /** Whether the node is to report how many calls they stop. */
  readonly countStops?: true;
};

/** No sets can be made of it. `hash` is what it claims, empty when it claims none. */
export type UnusableObject = { readonly hash: string; readonly message: string };

/**
 * What `node` is to hold of a SelectorSet object's `spec`: during a roll-out the new content when the
 * node's turn has come, till then the previous one, or nothing where there was none.
 */
export function contentFor(node: string, name: string, spec: unknown): unknown {
  const { rollout } = (spec ?? {}) as { rollout?: { share?: unknown; previous?: unknown } };
  if (typeof rollout?.share !== "number") return spec;
  if (rolloutPosition(name, node) < rollout.share) return spec;
  return rollout.previous ?? { hash: hashSets([]), sets: [] };
}

/** The sets in one content of a SelectorSet object. Never throws, whatever somebody wrote there. */
export function parseSetObject(name: string, content: unknown): ObjectSets | UnusableObject {
  const {
    hash: claimed,
    sets: raw,
    countStops,
  } = (content ?? {}) as { hash?: unknown; sets?: unknown; countStops?: unknown };
  const hash = typeof claimed === "string" ? claimed : "";
  const parsed = parseSets(raw, "spec.sets");
  if (!parsed.ok) return { hash, message: `${firstOf(parsed.problems)}; ${otherVersion}` };
  const sets = parsed.value;
  const names = sets.map((set) => nameIn(name, set));
  const twice = names.find((one, i) => names.indexOf(one) !== i);
  if (twice !== undefined)
    return { hash, message: `spec.sets has ${twice} twice; ${otherVersion}` };
  const actual = hashSets(sets);
  if (actual !== hash) {
    const message = `spec.hash is ${hash || "empty"} but the content has ${actual}; let the operator write it again`;
    return { hash, message };
  }
  const named = sets.map((set, i) => ({ name: names[i]!, hash, set }));
  const counted = countStops === true ? ({ countStops } as const) : {};
  return { name, hash, sets: named, ...counted };
}

const otherVersion = "use an operator of this agent's version";

function firstOf(problems: readonly Problem[]): string {
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  return `${problems.slice(0, 1).map(formatProblem)}${more}`;
}

/**
 * What the engine calls a set: the object's name, or `object#policy` for what a RegoPolicy
 * generated. Either stays the same when its neighbours come and go, one of them or many: what the
 * kernel keeps for a set by name, such as the descriptors that it follows, is not lost.
 */
function nameIn(object: string, { policy }: SelectorSet): string {
  return isRegoSet(object) ? `${object}#${setName(policy)}` : object;
}

/** The object that an engine's set belongs to; no object has "#" in its name. */
export function objectOf(setName: string): string {
  return setName.split("#", 1)[0]!;
}
