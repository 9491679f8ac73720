import { isTooDeep, maxDepth } from "./depth.ts";
import { isRecord } from "./is-record.ts";
import { droppedByApply } from "./last-applied.ts";
import { lostDigits } from "./lost-digits.ts";
import { parseMetadata } from "./metadata.ts";
import type { Problem, Result } from "./problem.ts";
import { parseRollout } from "./rollout.ts";
import { conform, type Source } from "./schema/conform.ts";
import type { ExecPolicy } from "./schema/exec-policy.ts";
import { type Kind, policyKinds, regoKinds } from "./schema/kinds.ts";
import type { RegoPolicy } from "./schema/rego-policy.ts";
import type { TracingPolicy } from "./schema/tracing-policy.ts";
import { quote, suggestFrom } from "./suggest.ts";

/** A policy as written, checked against its schema, with the schema's defaults filled in. */
export type Policy = TracingPolicy | ExecPolicy;

type Given = { readonly apiVersion: unknown; readonly kind: unknown };

/** Whether an object of this type is meant to be one of our policies, rightly spelled or not. */
export function isPolicyType(given: Given): boolean {
  return isOneOf(policyKinds, given);
}

/** The same for what generates or judges policies. */
export function isRegoType(given: Given): boolean {
  // SelectorSet and NodePolicySet have the same apiVersion, and nobody writes those.
  return isOneOf(regoKinds, given) && !/Set$/.test(String(given.kind));
}

/** The policy in an object from the API or from a file; every problem found in it otherwise. */
export function parsePolicyObject(raw: unknown, source: Source = {}): Result<Policy> {
  return parseObject(policyKinds, raw, source) as Result<Policy>;
}

/** The RegoPolicy in an object from the API or from a file; every problem of its schema otherwise. */
export function parseRegoPolicy(raw: unknown, source: Source = {}): Result<RegoPolicy> {
  const parsed = parseObject(regoKinds, raw, source) as Result<RegoPolicy>;
  if (!parsed.ok) return parsed;
  const { data } = parsed.value.spec;
  if (isTooDeep(data)) {
    return fail("spec.data", `is nested deeper than ${maxDepth} levels`, "write it flatter");
  }
  const lost = lostDigits(data, "spec.data");
  return lost.length > 0 ? { ok: false, problems: lost } : parsed;
}

function isOneOf(kinds: readonly Kind[], { apiVersion, kind }: Given): boolean {
  return apiVersion === apiVersionOf(kinds) || kinds.some((one) => one.kind === kind);
}

function apiVersionOf([first]: readonly Kind[]): string {
  return `${first!.group}/${first!.version}`;
}

/** Never throws. */
function parseObject(kinds: readonly Kind[], raw: unknown, source: Source): Result<object> {
  const apiVersion = apiVersionOf(kinds);
  if (!isRecord(raw)) return fail("$", "is not a mapping", `write apiVersion: ${apiVersion}`);
  const type = checkType(kinds, raw);
  const kind = kinds.find((candidate) => candidate.kind === raw.kind);
  if (type.length > 0 || kind === undefined) return { ok: false, problems: type };

  const { apiVersion: _version, kind: _kind, metadata: rawMetadata, ...rest } = raw;
  const metadata = parseMetadata(rawMetadata, kind.namespaced, source);
  const fields = conform(kind.schema, rest, "", source);
  const problems = [...problemsOf(metadata), ...problemsOf(fields).map(withoutLeadingDot)];
  if (metadata.ok) {
    problems.push(...problemsOf(parseRollout(metadata.value.annotations)));
    problems.push(...droppedByApply(kind.schema, rest, metadata.value).map(withoutLeadingDot));
  }
  if (problems.length > 0 || !metadata.ok || !fields.ok) return { ok: false, problems };
  const { spec, status } = fields.value as { spec: unknown; status: unknown };
  const given = rest.status === undefined || rest.status === null ? {} : { status };
  return {
    ok: true,
    value: { apiVersion, kind: kind.kind, metadata: metadata.value, spec, ...given },
  };
}

function checkType(kinds: readonly Kind[], raw: Readonly<Record<string, unknown>>): Problem[] {
  const problems: Problem[] = [];
  const apiVersion = apiVersionOf(kinds);
  const names: readonly string[] = kinds.map((kind) => kind.kind);
  if (raw.apiVersion !== apiVersion) {
    problems.push(invalid("apiVersion", describe(raw.apiVersion), `write ${apiVersion}`));
  }
  if (!names.includes(String(raw.kind))) {
    problems.push(invalid("kind", describe(raw.kind), suggestFrom(String(raw.kind), names)));
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
