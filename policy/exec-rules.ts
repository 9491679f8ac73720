import { globMatch } from "./args/glob.ts";
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

/** As the kernel does: `*` is anything within a folder, `**` anything. */
export function matchesGlob(path: string, glob: string): boolean {
  return globMatch(Buffer.from(path), glob);
}
