import {
  type ExecPolicySpec,
  type ExecProposal,
  matchesGlob,
  type ProposedExecutable,
} from "@guardbee/policy";

type AllowRule = NonNullable<ExecPolicySpec["rules"]["allow"]>[number];

/** Those that one of `only` names, by path or pattern, all without any; and which of `only` name none. */
export function chosen(
  { executables }: ExecProposal,
  only: readonly string[],
): { readonly executables: readonly ProposedExecutable[]; readonly unmatched: readonly string[] } {
  if (only.length === 0) return { executables, unmatched: [] };
  const is = (pattern: string) => (one: ProposedExecutable) =>
    one.path === pattern || matchesGlob(one.path, pattern);
  return {
    executables: executables.filter((one) => only.some((pattern) => is(pattern)(one))),
    unmatched: only.filter((pattern) => !executables.some(is(pattern))),
  };
}

/**
 * `allow` with rules that name the executables: what came from the image always is allowed from there
 * alone. Each goes into the rule that says no more than that, if there is one, behind what it has.
 */
export function withAccepted(
  allow: readonly AllowRule[],
  executables: readonly ProposedExecutable[],
): readonly AllowRule[] {
  let rules = allow;
  for (const fromImage of [true, false]) {
    const paths = executables
      .filter((one) => (one.fromImage === true) === fromImage)
      .map(({ path }) => path)
      .sort();
    if (paths.length > 0) rules = withPaths(rules, paths, fromImage);
  }
  return rules;
}

function withPaths(
  rules: readonly AllowRule[],
  paths: readonly string[],
  fromImage: boolean,
): readonly AllowRule[] {
  const at = rules.findIndex((rule) => isOfPaths(rule, fromImage));
  if (at === -1) return [...rules, { paths: [...paths], ...(fromImage ? { fromImage } : {}) }];
  const all = [...new Set([...(rules[at]!.paths ?? []), ...paths])];
  return rules.with(at, { ...rules[at]!, paths: all });
}

/** Whether the rule lists paths, and asks for that origin and nothing else. */
function isOfPaths(rule: AllowRule, fromImage: boolean): boolean {
  const {
    paths,
    fromImage: origin,
    ...rest
  } = rule as AllowRule & { readonly fromImage?: boolean };
  const asked = Object.values(rest).filter((value) => value !== undefined);
  return paths !== undefined && asked.length === 0 && (origin === true) === fromImage;
}
