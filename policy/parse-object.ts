import { parseMetadata } from "./metadata.ts";
import type { Problem, Result } from "./problem.ts";
import { conform, isRecord } from "./schema/conform.ts";
import type { ExecPolicy } from "./schema/exec-policy.ts";
import { policyKinds } from "./schema/kinds.ts";
import type { TracingPolicy } from "./schema/tracing-policy.ts";
import { quote, suggestFrom } from "./suggest.ts";

/** A policy as written, checked against its schema, with the schema's defaults filled in. */
export type Policy = TracingPolicy | ExecPolicy;

const apiVersion = "cilium.io/v1alpha1";
const kindNames: readonly string[] = policyKinds.map((kind) => kind.kind);

/** Whether an object of this type is meant to be one of our policies, rightly spelled or not. */
export function isPolicyType(given: { apiVersion: unknown; kind: unknown }): boolean {
  return given.apiVersion === apiVersion || kindNames.includes(String(given.kind));
}

/** The policy in an object from the API or from a file; every problem found in it otherwise. */
export function parsePolicyObject(raw: unknown): Result<Policy> {
  if (!isRecord(raw)) return fail("$", "is not a mapping", `write apiVersion: ${apiVersion}`);
  const type = checkType(raw);
  const kind = policyKinds.find((candidate) => candidate.kind === raw.kind);
  if (type.length > 0 || kind === undefined) return { ok: false, problems: type };

  const { apiVersion: _version, kind: _kind, metadata: rawMetadata, ...rest } = raw;
  const metadata = parseMetadata(rawMetadata, kind.scope === "Namespaced");
  const fields = conform(kind.schema, rest, "");
  const problems = [...problemsOf(metadata), ...problemsOf(fields).map(withoutLeadingDot)];
  if (problems.length > 0 || !metadata.ok || !fields.ok) return { ok: false, problems };
  const { spec, status } = fields.value as Policy;
  const given = rest.status === undefined ? {} : { status };
  const policy = { apiVersion, kind: kind.kind, metadata: metadata.value, spec, ...given };
  return { ok: true, value: policy as Policy };
}

function checkType(raw: Readonly<Record<string, unknown>>): Problem[] {
  const problems: Problem[] = [];
  if (raw.apiVersion !== apiVersion) {
    problems.push(invalid("apiVersion", describe(raw.apiVersion), `write ${apiVersion}`));
  }
  if (!kindNames.includes(String(raw.kind))) {
    const fix = suggestFrom(String(raw.kind), kindNames);
    problems.push(invalid("kind", describe(raw.kind), fix));
  }
  return problems;
}

function describe(value: unknown): string {
  return value === undefined || value === null ? "is missing" : `is ${quote(String(value))}`;
}

/** `conform` starts at the object itself, whose own fields have no parent to name. */
function withoutLeadingDot(problem: Problem): Problem {
  return { ...problem, field: problem.field.replace(/^\./, "") };
}

function problemsOf(result: Result<unknown>): readonly Problem[] {
  return result.ok ? [] : result.problems;
}

function invalid(field: string, what: string, fix: string): Problem {
  return { field, what, fix, kind: "invalid" };
}

function fail(field: string, what: string, fix: string): Result<never> {
  return { ok: false, problems: [invalid(field, what, fix)] };
}
