import type { KubeObject } from "@guardbee/kube";
import {
  type CheckedFile,
  formatProblem,
  type ParsedPolicy,
  parsePolicies,
} from "@guardbee/policy";
import { UsageError } from "../command.ts";

/** One policy of a file, as it would be applied: namespaced kinds have a namespace. */
export type Given = {
  readonly parsed: ParsedPolicy;
  /** undefined: it is not well-formed; `parsed` says why. */
  readonly object: KubeObject | undefined;
};

/**
 * The policies in files, and what there is no word about, a sentence each. Like kubectl, a namespaced
 * policy that names no namespace gets `namespace`. Throws UsageError when a file is not YAML.
 */
export function readGiven(
  files: readonly CheckedFile[],
  namespace: string,
): { readonly given: readonly Given[]; readonly skipped: readonly string[] } {
  const given: Given[] = [];
  const skipped: string[] = [];
  for (const { file, content } of files) {
    const { policies, regoPolicies, others, broken } = parsePolicies(content, file);
    if (broken.length > 0) throw new UsageError(broken.map(formatProblem).join("\n"));
    for (const { kind = "", line } of [...regoPolicies, ...others]) {
      skipped.push(`${file}:${line}: ${whySkipped(kind)}`);
    }
    given.push(...policies.map((parsed) => ({ parsed, object: objectOf(parsed, namespace) })));
  }
  if (given.length === 0) skipped.push("there is no policy in what was given");
  return { given, skipped };
}

function whySkipped(kind: string): string {
  const preview = "guardbee rego eval shows what it generates";
  return kind.startsWith("RegoPolicy")
    ? `${kind} is skipped; ${preview}`
    : `${kind} is skipped: it is no policy`;
}

function objectOf({ result }: ParsedPolicy, namespace: string): KubeObject | undefined {
  if (!result.ok) return undefined;
  const { apiVersion, kind, metadata, spec } = result.value;
  const scoped = kind.endsWith("Namespaced") ? { namespace, ...metadata } : metadata;
  return { apiVersion, kind, metadata: scoped, spec };
}
