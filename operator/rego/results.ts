import { createHash } from "node:crypto";
import { canonicalJson, isRecord, type Problem, type Result } from "@guardbee/policy";

/** A policy as Rego gave it, with identity filled in; not parsed yet. */
export type GeneratedObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: Readonly<Record<string, unknown>>;
};

/** Who generates: what its results are named after, and what they are held to. */
export type Generator = {
  readonly name: string;
  /** Set for a RegoPolicyNamespaced: its results hold there and nowhere else. */
  readonly namespace?: string;
  readonly nodeSelector?: unknown;
};

/**
 * The policies in what Rego returned over all evaluations: identical ones once, sorted by identity.
 * What has no name is named after generator and content, so that it keeps its name while it is the
 * same. Never throws.
 */
export function readResults(
  results: readonly { readonly of: string; readonly value: unknown }[],
  generator: Generator,
): Result<readonly GeneratedObject[]> {
  const problems: Problem[] = [];
  const found = new Map<string, { readonly text: string; readonly object: GeneratedObject }>();
  for (const { of, value } of results) {
    if (!Array.isArray(value)) {
      problems.push(invalid(of, "is no list of policies", "return a list or set of policies"));
      continue;
    }
    for (const [i, raw] of value.entries()) {
      const at = `${of}[${i}]`;
      const read = readObject(raw, at, generator);
      if (!read.ok) {
        problems.push(...read.problems);
        continue;
      }
      const { kind, metadata } = read.value;
      const key = JSON.stringify([kind, metadata.namespace, metadata.name]);
      const text = canonicalJson(read.value);
      const same = found.get(key);
      if (same === undefined) found.set(key, { text, object: read.value });
      else if (same.text !== text) {
        const what = `is a second ${kind} ${metadata.name} with another content`;
        problems.push(invalid(`${at}.metadata.name`, what, "give each policy a name of its own"));
      }
    }
  }
  if (problems.length > 0) return { ok: false, problems };
  const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  return { ok: true, value: sorted.map(([, { object }]) => object) };
}

function readObject(raw: unknown, at: string, generator: Generator): Result<GeneratedObject> {
  if (!isRecord(raw))
    return fail(at, "is no policy", "return objects with kind, metadata and spec");
  const { apiVersion = "cilium.io/v1alpha1", kind, metadata = {}, spec, ...rest } = raw;
  const [other] = Object.keys(rest);
  if (other !== undefined) return fail(`${at}.${other}`, "is not a field", "remove it");
  if (typeof kind !== "string" || !isRecord(metadata) || !isRecord(spec)) {
    return fail(at, "is no policy", "return objects with kind, metadata and spec");
  }
  if (spec.nodeSelector !== undefined) {
    const fix =
      "write spec.nodeSelector of the RegoPolicy: all that it generates goes to its nodes";
    return fail(`${at}.spec.nodeSelector`, "is given in a generated policy", fix);
  }
  if (spec.hostSelector !== undefined && generator.namespace !== undefined) {
    const fix = "remove it: what a RegoPolicyNamespaced generates holds for its namespace's pods";
    return fail(`${at}.spec.hostSelector`, "is given", fix);
  }
  const { namespace } = generator;
  const given = metadata.namespace;
  if (namespace !== undefined && given !== undefined && given !== namespace) {
    const fix = `remove it: what this policy generates holds in ${namespace}`;
    return fail(`${at}.metadata.namespace`, "is another namespace", fix);
  }
  const owned = namespace === undefined ? given : namespace;
  const forced =
    namespace === undefined || kind.endsWith("Namespaced") ? kind : `${kind}Namespaced`;
  const { nodeSelector } = generator;
  const whole = nodeSelector === undefined ? spec : { ...spec, nodeSelector };
  const name = metadata.name ?? `${generator.name}-${shortHash({ kind: forced, owned, spec })}`;
  const identity = { ...metadata, name, ...(owned === undefined ? {} : { namespace: owned }) };
  const object = { apiVersion, kind: forced, metadata: identity, spec: whole };
  return { ok: true, value: object as GeneratedObject };
}

function shortHash(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex").slice(0, 10);
}

function invalid(field: string, what: string, fix: string): Problem {
  return { field, what, fix, kind: "invalid" };
}

function fail(field: string, what: string, fix: string): Result<never> {
  return { ok: false, problems: [invalid(field, what, fix)] };
}
