import type { ExecPolicySpec } from "./schema/exec-policy.ts";

type Rules = ExecPolicySpec["rules"];
type ExecRule = NonNullable<Rules["allow"]>[number];

/** What is known of an executable that ran. */
export type SeenExecutable = {
  readonly path: string;
  /** Absent: nobody knows. */
  readonly fromImage?: boolean;
  readonly parents?: readonly string[];
};

/**
 * Whether a rule, of either list, decides about each exec of the file that was like the ones that
 * were seen. A rule that asks what nobody saw (users, digests) does not say.
 */
export function isNamed(rules: Rules, executable: SeenExecutable): boolean {
  return [...(rules.allow ?? []), ...(rules.deny ?? [])].some((rule) => names(rule, executable));
}

function names(rule: ExecRule, { path, fromImage, parents = [] }: SeenExecutable): boolean {
  const given = Object.entries(rule as Readonly<Record<string, unknown>>).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  );
  if (given.length === 0) return false;
  const asks = Object.fromEntries(given) as Readonly<Record<string, unknown>>;
  const lists = (key: string) => (asks[key] ?? []) as readonly string[];
  const byPath = ["paths", "pathPrefixes", "pathGlobs"].some((key) => key in asks);
  if (
    byPath &&
    !lists("paths").includes(path) &&
    !lists("pathPrefixes").some((prefix) => path.startsWith(prefix)) &&
    !lists("pathGlobs").some((glob) => matchesGlob(path, glob))
  ) {
    return false;
  }
  return Object.keys(asks).every((key) => {
    if (["paths", "pathPrefixes", "pathGlobs"].includes(key)) return true;
    if (key === "fromImage") return fromImage !== undefined && fromImage === asks.fromImage;
    if (key !== "parents") return false;
    return parents.length > 0 && parents.every((parent) => lists("parents").includes(parent));
  });
}

/**
 * As `args/glob.ts` has it: `*` is anything within a folder, `**` anything. An automaton here, as an
 * operator asks it of others' patterns: one that is made hard to match costs no more than its length.
 */
export function matchesGlob(path: string, glob: string): boolean {
  const tokens = glob.match(/\*\*|./gsu) ?? [];
  let states = withSkipped(new Set([0]), tokens);
  for (const character of path) {
    const next = new Set<number>();
    for (const state of states) {
      const token = tokens[state];
      if (token === "**" || (token === "*" && character !== "/")) next.add(state);
      else if (token === character) next.add(state + 1);
    }
    states = withSkipped(next, tokens);
  }
  return states.has(tokens.length);
}

/** With those behind stars, which may stand for nothing. */
function withSkipped(states: Set<number>, tokens: readonly string[]): Set<number> {
  for (const state of states) if (tokens[state]?.startsWith("*")) states.add(state + 1);
  return states;
}
