import { isRecord } from "./is-record.ts";
import type { Problem, Result } from "./problem.ts";
import { describePlain, type Source } from "./schema/conform.ts";
import type { Metadata } from "./schema/metadata.ts";
import { quote, suggestFrom } from "./suggest.ts";

/** All of Kubernetes' ObjectMeta; an API server with strict field validation refuses others. */
const fields = [
  ...["name", "generateName", "namespace", "labels", "annotations", "ownerReferences"],
  ...["finalizers", "uid", "resourceVersion", "generation", "creationTimestamp"],
  ...["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields"],
];

/**
 * `raw` as metadata. Fields of ObjectMeta that no policy is judged by are kept as they are, since
 * objects from the API carry them. A namespace is only checked for form: files may leave it out, and
 * of a cluster kind it is dropped, as by the API server.
 */
export function parseMetadata(
  raw: unknown,
  namespaced: boolean,
  source: Source = {},
): Result<Metadata> {
  if (!isRecord(raw)) return refuse("metadata", "is missing", "write metadata: {name: ...}");
  const problems = [...checkName(raw.name, source)];
  if (namespaced) problems.push(...checkNamespace(raw.namespace));
  for (const key of Object.keys(raw)) {
    if (fields.includes(key)) continue;
    const fix = suggestFrom(key, fields, "known fields");
    problems.push(problem(`metadata.${key}`, "is not a field", fix));
  }
  for (const key of ["labels", "annotations"] as const) {
    problems.push(...checkTexts(raw[key], key, source));
  }
  if (problems.length > 0) return { ok: false, problems };
  const { namespace, labels, annotations, ...rest } = raw;
  const value = {
    ...rest,
    ...(namespaced && typeof namespace === "string" && namespace !== "" ? { namespace } : {}),
    ...(isRecord(labels) ? { labels: withoutNulls(labels) } : {}),
    ...(isRecord(annotations) ? { annotations: withoutNulls(annotations) } : {}),
  };
  return { ok: true, value: value as unknown as Metadata };
}

/** The API server takes a null for empty text. */
function withoutNulls(texts: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, text ?? ""]));
}

function checkTexts(raw: unknown, key: "labels" | "annotations", source: Source): Problem[] {
  if (raw === undefined || raw === null) return [];
  if (!isRecord(raw)) {
    return [problem(`metadata.${key}`, "is not a mapping", "write key: value pairs")];
  }
  return Object.entries(raw).flatMap(([name, value]) => {
    const field = `metadata.${key}[${name}]`;
    const wrongKey = isLabelKey(key === "labels" ? name : name.toLowerCase())
      ? []
      : [problem(field, `has the key ${quote(name)}`, keyFix)];
    if (value === null) return wrongKey;
    if (typeof value !== "string") {
      const what = `is ${isPlain(value) ? describePlain(value, source.written?.(field)) : "no text"}`;
      const fix = isPlain(value) ? `quote it: "${source.written?.(field) ?? value}"` : "write text";
      return [...wrongKey, problem(field, what, fix)];
    }
    return key === "annotations" || value === "" || labelPart.test(value)
      ? wrongKey
      : [...wrongKey, problem(field, `is ${quote(value)}`, valueFix)];
  });
}

const labelPart = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const keyFix = "write a label key: letters, digits, -, _ and ., such as app.kubernetes.io/name";
const valueFix = "at most 63 letters, digits, -, _ and ., with a letter or digit at each end";

/** Whether `key` is a qualified name: `name`, or `prefix/name` with a DNS name before the slash. */
export function isLabelKey(key: string): boolean {
  const [name = "", prefix, more] = key.split("/").reverse();
  const prefixed = prefix === undefined || (prefix.length <= 253 && dnsSubdomain.test(prefix));
  return labelPart.test(name) && prefixed && more === undefined;
}

function isPlain(value: unknown): value is number | boolean {
  return typeof value === "number" || typeof value === "boolean";
}

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function checkName(name: unknown, source: Source): Problem[] {
  if (name === undefined || name === null || name === "") {
    return [problem("metadata.name", "is missing", "write a name such as deny-tmp-writes")];
  }
  if (typeof name !== "string") {
    const written = source.written?.("metadata.name");
    const what = isPlain(name) ? describePlain(name, written) : "no text";
    const fix = isPlain(name) ? `quote it: "${written ?? name}"` : "write text";
    return [problem("metadata.name", `is ${what}`, fix)];
  }
  if (name.length <= 253 && dnsSubdomain.test(name)) return [];
  const fix = "at most 253 lower-case letters, digits, - and ., with a letter or digit at each end";
  return [problem("metadata.name", `is ${quote(name)}`, fix)];
}

function checkNamespace(namespace: unknown): Problem[] {
  if (namespace === undefined || namespace === null || namespace === "") return [];
  if (typeof namespace === "string" && dnsLabel.test(namespace)) return [];
  const fix = "at most 63 lower-case letters, digits and -, with a letter or digit at each end";
  const what = typeof namespace === "string" ? quote(namespace) : JSON.stringify(namespace);
  return [problem("metadata.namespace", `is ${what}`, fix)];
}

function problem(field: string, what: string, fix: string): Problem {
  return { field, what, fix, kind: "invalid" };
}

function refuse(field: string, what: string, fix: string): Result<never> {
  return { ok: false, problems: [problem(field, what, fix)] };
}
