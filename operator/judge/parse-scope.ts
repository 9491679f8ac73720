import {
  canonicalSelector,
  isRecord,
  type LabelSelector,
  type Problem,
  type Result,
  type Scope,
} from "@guardbee/policy";

const operators = ["In", "NotIn", "Exists", "DoesNotExist"] as const;

/**
 * A scope that Rego decided, in canonical order so that equal scopes hash equal, or what is wrong
 * with it. Rego is code like any other: what it returns is outside data.
 */
export function parseScope(raw: unknown): Result<Scope> {
  const problems: Problem[] = [];
  const wrong = (field: string, what: string) => {
    problems.push({ field, what, fix: "correct the Rego module", kind: "invalid" });
  };
  const scope = readScope(raw, wrong);
  return problems.length === 0 && scope !== undefined
    ? { ok: true, value: scope }
    : { ok: false, problems };
}

type Wrong = (field: string, what: string) => void;

function readScope(raw: unknown, wrong: Wrong): Scope | undefined {
  if (!isRecord(raw) || typeof raw.host !== "boolean") {
    wrong("scope", "is not {host: boolean, pods?: ...}");
    return undefined;
  }
  onlyKeys(raw, ["host", "pods"], "scope", wrong);
  if (raw.pods === undefined) return { host: raw.host };
  if (!isRecord(raw.pods)) {
    wrong("scope.pods", "is not an object");
    return undefined;
  }
  onlyKeys(raw.pods, ["namespaces", "labels", "containers", "unknown"], "scope.pods", wrong);
  const { namespaces, labels, containers, unknown } = raw.pods;
  if (unknown !== undefined && unknown !== "Deny") wrong("scope.pods.unknown", "is not Deny");
  const pods = {
    ...given("namespaces", readTexts(namespaces, "scope.pods.namespaces", wrong)),
    ...given("labels", readSelector(labels, "scope.pods.labels", wrong)),
    ...given("containers", readSelector(containers, "scope.pods.containers", wrong)),
    ...given("unknown", unknown === undefined ? undefined : ("Deny" as const)),
  };
  return { host: raw.host, pods };
}

function readSelector(raw: unknown, at: string, wrong: Wrong): LabelSelector | undefined {
  if (raw === undefined) return undefined;
  if (!isRecord(raw)) {
    wrong(at, "is not a label selector");
    return undefined;
  }
  onlyKeys(raw, ["matchLabels", "matchExpressions"], at, wrong);
  const { matchLabels = {}, matchExpressions = [] } = raw;
  if (!isRecord(matchLabels) || !Array.isArray(matchExpressions)) {
    wrong(at, "is not a label selector");
    return undefined;
  }
  for (const [key, value] of Object.entries(matchLabels)) {
    if (typeof value !== "string") wrong(`${at}.matchLabels[${key}]`, "is not text");
  }
  return canonicalSelector({
    matchLabels: matchLabels as Record<string, string>,
    matchExpressions: matchExpressions.map((term, i) =>
      readTerm(term, `${at}.matchExpressions[${i}]`, wrong),
    ),
  });
}

type Term = NonNullable<LabelSelector["matchExpressions"]>[number];

function readTerm(raw: unknown, at: string, wrong: Wrong): Term {
  const term = isRecord(raw) ? raw : {};
  const operator = operators.find((one) => one === term.operator);
  if (operator === undefined) wrong(`${at}.operator`, `is ${String(term.operator)}`);
  if (typeof term.key !== "string") wrong(`${at}.key`, "is not text");
  const is = { key: String(term.key), operator: operator ?? "Exists" };
  return { ...is, ...given("values", readTexts(term.values, `${at}.values`, wrong)) };
}

/** Sorted, each once. */
function readTexts(raw: unknown, at: string, wrong: Wrong): readonly string[] | undefined {
  if (raw === undefined) return undefined;
  if (Array.isArray(raw) && raw.every((one) => typeof one === "string")) {
    return [...new Set(raw as string[])].sort();
  }
  wrong(at, "is not a list of text");
  return undefined;
}

function onlyKeys(raw: object, known: readonly string[], at: string, wrong: Wrong): void {
  for (const key of Object.keys(raw)) if (!known.includes(key)) wrong(`${at}.${key}`, "is unknown");
}

function given<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, V>);
}
