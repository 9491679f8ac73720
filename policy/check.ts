import { lower } from "./lower/index.ts";
import { type ParsedPolicy, parsePolicies } from "./parse.ts";
import type { Policy } from "./parse-object.ts";
import { oneLine } from "./printable.ts";
import { formatProblem, type Problem } from "./problem.ts";

/** A file's name, as it is shown, and its text. */
export type CheckedFile = { readonly file: string; readonly text: string };

/**
 * What stands against one policy. `unsupported`: right, also for upstream, but this version cannot
 * do it and says so in the policy's status.
 */
export type CheckedPolicy = {
  readonly file: string;
  readonly line: number;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly verdict: "ok" | "unsupported" | "invalid";
  readonly hookCount: number;
  readonly problems: readonly Problem[];
};

export type CheckReport = {
  readonly policies: readonly CheckedPolicy[];
  /** Of files that cannot be read as YAML. */
  readonly broken: readonly Problem[];
  /** What is allowed, and probably not meant. */
  readonly warnings: readonly Problem[];
  /** Objects of kinds that are not ours. */
  readonly skipped: readonly {
    readonly file: string;
    readonly line: number;
    readonly kind: string;
  }[];
};

/** Judges policies as the operator and an agent would, without a cluster and without a kernel. */
export function checkPolicies(files: readonly CheckedFile[]): CheckReport {
  const policies: CheckedPolicy[] = [];
  const warnings: Problem[] = [];
  const broken: Problem[] = [];
  const skipped: CheckReport["skipped"][number][] = [];
  const seen = new Map<string, CheckedPolicy>();
  for (const { file, text } of files) {
    const parsed = parsePolicies(text, file);
    broken.push(...parsed.broken);
    skipped.push(...parsed.others.map((other) => ({ file, ...other })));
    for (const one of parsed.policies) {
      const checked = checkOne(one);
      const before = seen.get(identityOf(checked));
      const twice = before === undefined ? undefined : duplicate(one, before);
      if (before === undefined) seen.set(identityOf(checked), checked);
      if (one.result.ok) warnings.push(...warningsFor(one, one.result.value));
      // Across files it may be two versions of one policy; in one file the second hides the first.
      if (twice !== undefined && before?.file !== file) warnings.push(twice);
      policies.push(
        twice !== undefined && before?.file === file ? refused(checked, twice) : checked,
      );
    }
  }
  return { policies, broken, warnings, skipped };
}

/** Whether nothing is wrong; `strict`: and nothing is unsupported or doubtful either. */
export function isAccepted(report: CheckReport, { strict }: { readonly strict: boolean }): boolean {
  if (report.broken.length > 0 || report.policies.length === 0) return false;
  if (strict && report.warnings.length > 0) return false;
  return report.policies.every(
    ({ verdict }) => verdict === "ok" || (verdict === "unsupported" && !strict),
  );
}

/** A line for each problem, and one for each policy. */
export function formatCheckReport(report: CheckReport): string {
  const lines = report.broken.map(formatProblem);
  for (const policy of report.policies) {
    lines.push(...policy.problems.map(formatProblem), formatVerdict(policy));
  }
  for (const { file, line, kind } of report.skipped) {
    lines.push(`${oneLine(file)}:${line}: ${oneLine(kind)}: skipped, it is not a policy`);
  }
  lines.push(...report.warnings.map((warning) => `warning: ${formatProblem(warning)}`));
  return lines.map((line) => `${line}\n`).join("");
}

function formatVerdict(policy: CheckedPolicy): string {
  const { file, kind, namespace, name, verdict, hookCount, problems } = policy;
  const where = namespace === undefined ? "" : `${namespace}/`;
  const subject = oneLine(`${file}: ${kind} ${where}${name}`);
  switch (verdict) {
    case "ok":
      return `${subject}: ok (${count(hookCount, "hook")})`;
    case "unsupported":
      return `${subject}: accepted, but not supported yet (${count(problems.length, "reason")})`;
    case "invalid":
      return `${subject}: invalid (${count(problems.length, "problem")})`;
  }
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

function checkOne(parsed: ParsedPolicy): CheckedPolicy {
  const { file, line, kind = "(no kind)", name = "(no name)", result, locate } = parsed;
  const about = { file, line, kind, name };
  if (!result.ok) {
    return { ...about, verdict: "invalid", hookCount: 0, problems: result.problems };
  }
  const { namespace } = result.value.metadata;
  const identity = { ...about, ...(namespace === undefined ? {} : { namespace }) };
  const lowered = lower(withNamespace(result.value));
  if (lowered.ok) {
    return { ...identity, verdict: "ok", hookCount: lowered.value.hooks.length, problems: [] };
  }
  const invalid = lowered.problems.some((problem) => problem.kind === "invalid");
  const problems = lowered.problems.map(locate);
  return { ...identity, verdict: invalid ? "invalid" : "unsupported", hookCount: 0, problems };
}

/** kubectl puts a namespaced object that names none into its context's, so a file may leave it out. */
function withNamespace(policy: Policy): Policy {
  if (!lacksNamespace(policy)) return policy;
  return { ...policy, metadata: { ...policy.metadata, namespace: "default" } };
}

function lacksNamespace(policy: Policy): boolean {
  return policy.kind.endsWith("Namespaced") && policy.metadata.namespace === undefined;
}

function warningsFor({ locate }: ParsedPolicy, policy: Policy): Problem[] {
  if (!lacksNamespace(policy)) return [];
  const what = "is missing, so kubectl takes that of its context";
  const fix = "write the namespace this policy holds in";
  return [locate({ field: "metadata.namespace", what, fix, kind: "invalid" })];
}

function identityOf({ kind, namespace = "", name }: CheckedPolicy): string {
  return `${kind} ${namespace}/${name}`;
}

function duplicate({ locate }: ParsedPolicy, before: CheckedPolicy): Problem {
  const what = `is that of another ${before.kind}, at ${before.file}:${before.line}`;
  const fix = "rename one of them: the one applied last replaces the other";
  return locate({ field: "metadata.name", what, fix, kind: "invalid" });
}

function refused(policy: CheckedPolicy, problem: Problem): CheckedPolicy {
  return { ...policy, verdict: "invalid", problems: [...policy.problems, problem] };
}
