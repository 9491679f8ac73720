import type { Problem, Result } from "./problem.ts";
import { isRecord } from "./schema/conform.ts";
import type { Metadata } from "./schema/metadata.ts";
import { quote } from "./suggest.ts";

/**
 * `raw` as metadata. Fields of ObjectMeta that no policy is judged by are kept as they are, since
 * objects from the API carry them. A namespace is only checked for form: files may leave it out.
 */
export function parseMetadata(raw: unknown, namespaced: boolean): Result<Metadata> {
  if (!isRecord(raw)) return refuse("metadata", "is missing", "write metadata: {name: ...}");
  const problems = [...checkName(raw.name), ...checkNamespace(raw.namespace, namespaced)];
  for (const key of ["labels", "annotations"] as const) {
    const values = raw[key];
    if (values === undefined || values === null) continue;
    if (!isRecord(values)) {
      problems.push(problem(`metadata.${key}`, "is not a mapping", "write key: value pairs"));
      continue;
    }
    for (const [name, value] of Object.entries(values)) {
      if (typeof value === "string") continue;
      const field = `metadata.${key}[${name}]`;
      problems.push(problem(field, `is ${String(value)}, which is not text`, "quote it"));
    }
  }
  return problems.length === 0
    ? { ok: true, value: raw as unknown as Metadata }
    : { ok: false, problems };
}

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function checkName(name: unknown): Problem[] {
  if (name === undefined || name === null || name === "") {
    return [problem("metadata.name", "is missing", "write a name such as deny-tmp-writes")];
  }
  if (typeof name !== "string") {
    return [
      problem("metadata.name", `is ${String(name)}, which is not text`, `quote it: "${name}"`),
    ];
  }
  if (name.length <= 253 && dnsSubdomain.test(name)) return [];
  const fix = "at most 253 lower-case letters, digits, - and ., with a letter or digit at each end";
  return [problem("metadata.name", `is ${quote(name)}`, fix)];
}

function checkNamespace(namespace: unknown, namespaced: boolean): Problem[] {
  if (namespace === undefined || namespace === null) return [];
  if (!namespaced) {
    const fix = "remove it, or use the Namespaced kind: this kind holds for the whole cluster";
    return [problem("metadata.namespace", `is ${quote(String(namespace))}`, fix)];
  }
  if (typeof namespace === "string" && dnsLabel.test(namespace)) return [];
  const fix = "at most 63 lower-case letters, digits and -, with a letter or digit at each end";
  return [problem("metadata.namespace", `is ${quote(String(namespace))}`, fix)];
}

function problem(field: string, what: string, fix: string): Problem {
  return { field, what, fix, kind: "invalid" };
}

function refuse(field: string, what: string, fix: string): Result<never> {
  return { ok: false, problems: [problem(field, what, fix)] };
}
