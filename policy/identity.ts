import { createHash } from "node:crypto";
import { byCodePoint, canonicalJson } from "./lower/canonical.ts";
import type { SelectorSet } from "./selector-set.ts";

/** Content hash of a SelectorSet object: SHA-256 in hex of its sets' canonical JSON, in order. */
export function hashSets(sets: readonly SelectorSet[]): string {
  return sha256(canonicalJson(sets));
}

/** Identity of an object that a SelectorSet object is made from. */
export type SourceRef = {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
};

/**
 * Name of the SelectorSet object of a policy, or of the RegoPolicy that generates several: `tracingpolicy.<name>` or
 * `tracingpolicynamespaced.<namespace>.<name>`. One that Kubernetes would refuse as longer than
 * 253 bytes is cut and ends in a hash of the whole.
 */
export function setName(ref: SourceRef): string {
  const parts = [ref.kind.toLowerCase(), ...(ref.namespace ? [ref.namespace] : []), ref.name];
  const name = parts.join(".");
  if (name.length <= maxNameBytes) return name;
  const hash = sha256(name).slice(0, 16);
  // Neither "." nor "-" may stand before the dash that follows.
  return `${name.slice(0, maxNameBytes - hash.length - 1).replace(/[-.]+$/, "")}-${hash}`;
}

/** Whether `setName` named it after a RegoPolicy, of either kind: it then holds what that generates. */
export function isRegoSet(name: string): boolean {
  return name.startsWith("regopolicy");
}

/** Namespace of the policy that `setName` named; undefined for one of the cluster. */
export function namespaceOfSet(name: string): string | undefined {
  const [kind = "", namespace] = name.split(".", 2);
  return kind.endsWith("namespaced") ? namespace : undefined;
}

/** Names are DNS subdomains: ASCII, so characters are bytes. */
const maxNameBytes = 253;

/** One value for everything a node holds; the order of `entries` does not matter. */
export function nodeDigest(
  entries: readonly { readonly name: string; readonly hash: string }[],
): string {
  const lines = entries.map(({ name, hash }) => `${name} ${hash}\n`).sort(byCodePoint);
  return sha256(lines.join(""));
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
