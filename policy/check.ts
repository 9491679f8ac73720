import { type Lowered, lower } from "./lower/index.ts";
import { type Parsed, type ParsedPolicy, parsePolicies } from "./parse.ts";
import type { Policy } from "./parse-object.ts";
import { oneLine } from "./printable.ts";
import { formatProblem, type Problem } from "./problem.ts";
import type { RegoPolicy } from "./schema/rego-policy.ts";

/** A file's name, as it is shown, and what is in it. */
export type CheckedFile = { readonly file: string; readonly content: string | Uint8Array };

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
  /** Of a RegoPolicy: none, it has modules. */
  readonly hookCount: number;
  readonly problems: readonly Problem[];
};

export type CheckReport = {
  readonly policies: readonly CheckedPolicy[];
  /** Of files that cannot be read as YAML. */
  readonly broken: readonly Problem[];
  /** What is allowed, and probably not meant. */
  readonly warnings: readonly Problem[];
  /** What guard rails make of policies that are accepted. */
  readonly notes: readonly {
    readonly file: string;
    readonly line: number;
    readonly note: string;
  }[];
  /** Objects of kinds that are not ours, which nobody has looked at. */
  readonly skipped: readonly {
    readonly file: string;
    readonly line: number;
    readonly kind: string;
  }[];
};

/** What a judge has to say of a well-formed object, and what is taken and probably not meant. */
export type Further = {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** What is told to be known, and nothing to mend. */
  readonly notes?: readonly string[];
};

/** Who judges what is well-formed; without one of Rego, RegoPolicies are judged by their schema. */
export type Judges = {
  /** Asked about policies that can be lowered. */
  readonly policy?: (policy: Policy) => Promise<Further>;
  readonly rego?: (policy: RegoPolicy) => Promise<Further>;
};

/** Judges policies as the operator and an agent would, without a cluster and without a kernel. */
export async function checkPolicies(
  files: readonly CheckedFile[],
  judges: Judges = {},
): Promise<CheckReport> {
  const policies: CheckedPolicy[] = [];
  const warnings: Problem[] = [];
  const notes: CheckReport["notes"][number][] = [];
  const broken: Problem[] = [];
  const skipped: CheckReport["skipped"][number][] = [];
  const seen = new Map<string, CheckedPolicy>();
  for (const { file, content } of files) {
    const parsed = parsePolicies(content, file);
    broken.push(...parsed.broken);
    skipped.push(...parsed.others.map((other) => ({ file, ...other })));
    const judged: Checked[] = [];
    for (const one of parsed.policies) judged.push(await checkPolicy(one, judges));
    for (const one of parsed.regoPolicies) judged.push(await checkRegoPolicy(one, judges));
    judged.sort((a, b) => a.checked.line - b.checked.line);
    for (const { checked, parsed: one, warnings: found, notes: told } of judged) {
      const before = seen.get(identityOf(checked));
      const twice = before === undefined ? undefined : duplicate(one, before);
      if (before === undefined) seen.set(identityOf(checked), checked);
      warnings.push(...found);
      notes.push(...told.map((note) => ({ file, line: checked.line, note })));
      // Across files it may be two versions of one policy; in one file the second hides the first.
      if (twice !== undefined && before?.file !== file) warnings.push(twice);
      policies.push(
        twice !== undefined && before?.file === file ? refused(checked, twice) : checked,
      );
    }
  }
  return { policies, broken, warnings, notes, skipped };
}

/**
 * Whether nothing is wrong; `strict`: and nothing is unsupported, doubtful or left unlooked at
 * either.
 */
export function isAccepted(report: CheckReport, { strict }: { readonly strict: boolean }): boolean {
  if (report.broken.length > 0 || report.policies.length === 0) return false;
  if (strict && report.warnings.length + report.skipped.length > 0) return false;
  return report.policies.every(
    ({ verdict }) => verdict === "ok" || (verdict === "unsupported" && !strict),
  );
}

/** A line for each problem, and one for each object. */
export function formatCheckReport(report: CheckReport): string {
  const lines = report.broken.map(formatProblem);
  for (const policy of report.policies) {
    lines.push(...policy.problems.map(formatProblem), formatVerdict(policy));
  }
  for (const { file, line, kind } of report.skipped) {
    lines.push(`${oneLine(file)}:${line}: ${oneLine(kind)}: not checked, it is not a policy`);
  }
  for (const { file, line, note } of report.notes) {
    lines.push(`note: ${oneLine(`${file}:${line}: ${note}`)}`);
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
      return `${subject}: ok${kind.startsWith("RegoPolicy") ? "" : ` (${count(hookCount, "hook")})`}`;
    case "unsupported":
      return `${subject}: accepted, but not supported yet (${count(problems.length, "reason")})`;
    case "invalid":
      return `${subject}: invalid (${count(problems.length, "problem")})`;
  }
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

type Checked = {
  readonly parsed: Parsed<object>;
  readonly checked: CheckedPolicy;
  readonly warnings: readonly Problem[];
  readonly notes: readonly string[];
};

async function checkPolicy(parsed: ParsedPolicy, judges: Judges): Promise<Checked> {
  const { result } = parsed;
  if (!result.ok) return badlyFormed(parsed, result.problems);
  const policy = withNamespace(result.value);
  const lowered: Lowered = lower(policy);
  const { warnings } = lowered;
  const hookCount = lowered.ok ? lowered.value.hooks.length : 0;
  const further = lowered.ok
    ? ((await judges.policy?.(policy)) ?? { problems: [], warnings })
    : { problems: lowered.problems, warnings };
  return verdictOf(parsed, further, { namespace: result.value.metadata.namespace, hookCount });
}

async function checkRegoPolicy(parsed: Parsed<RegoPolicy>, judges: Judges): Promise<Checked> {
  const { result } = parsed;
  if (!result.ok) return badlyFormed(parsed, result.problems);
  const further = await judges.rego?.(withNamespace(result.value));
  const { namespace } = result.value.metadata;
  return verdictOf(parsed, further ?? { problems: [], warnings: [] }, { namespace, hookCount: 0 });
}

function verdictOf(
  parsed: Parsed<Policy | RegoPolicy>,
  further: Further,
  { namespace, hookCount }: { readonly namespace: string | undefined; readonly hookCount: number },
): Checked {
  const { file, line, kind = "", name = "", locate } = parsed;
  const about = { file, line, kind, ...(namespace === undefined ? {} : { namespace }), name };
  const problems = further.problems.map(locate);
  const warnings = [
    ...parsed.warnings,
    ...missingNamespace(parsed),
    ...further.warnings.map(locate),
  ];
  const invalid = problems.some((problem) => problem.kind === "invalid");
  const verdict = problems.length === 0 ? "ok" : invalid ? "invalid" : "unsupported";
  const hooks = problems.length === 0 ? hookCount : 0;
  const checked = { ...about, verdict, hookCount: hooks, problems } as const;
  return { parsed, checked, warnings, notes: further.notes ?? [] };
}

function badlyFormed(parsed: Parsed<object>, problems: readonly Problem[]): Checked {
  const { file, line, kind = "(no kind)", name = "(no name)", warnings } = parsed;
  const checked = { file, line, kind, name, verdict: "invalid", hookCount: 0, problems } as const;
  return { parsed, checked, warnings, notes: [] };
}

/** kubectl puts a namespaced object that names none into its context's, so a file may leave it out. */
function withNamespace<T extends Policy | RegoPolicy>(policy: T): T {
  if (!lacksNamespace(policy)) return policy;
  return { ...policy, metadata: { ...policy.metadata, namespace: "default" } };
}

function lacksNamespace(policy: Policy | RegoPolicy): boolean {
  return policy.kind.endsWith("Namespaced") && policy.metadata.namespace === undefined;
}

function missingNamespace({ result, locate }: Parsed<Policy | RegoPolicy>): Problem[] {
  if (!result.ok || !lacksNamespace(result.value)) return [];
  const what = "is missing, so kubectl takes that of its context";
  const fix = "write the namespace this policy holds in";
  return [locate({ field: "metadata.namespace", what, fix, kind: "invalid" })];
}

function identityOf({ kind, namespace = "", name }: CheckedPolicy): string {
  return `${kind} ${namespace}/${name}`;
}

function duplicate({ locate }: Parsed<object>, before: CheckedPolicy): Problem {
  const what = `is that of another ${before.kind}, at ${before.file}:${before.line}`;
  const fix = "rename one of them: the one applied last replaces the other";
  return locate({ field: "metadata.name", what, fix, kind: "invalid" });
}

function refused(policy: CheckedPolicy, problem: Problem): CheckedPolicy {
  return { ...policy, verdict: "invalid", problems: [...policy.problems, problem] };
}
