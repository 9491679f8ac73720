import { getObject, type KubeConnection } from "@guardbee/kube";
import {
  parseRegoPolicy,
  type Result,
  resourceOf,
  type SelectorSet,
  setName,
} from "@guardbee/policy";

/** What is in force of a RegoPolicy in a cluster; empty when there is nothing. Throws KubeError. */
export async function readInForce(
  connection: KubeConnection,
  raw: unknown,
  signal: AbortSignal,
): Promise<Result<readonly SelectorSet[]>> {
  const parsed = parseRegoPolicy(raw);
  if (!parsed.ok) return parsed;
  const { kind, metadata } = parsed.value;
  const { name, namespace } = metadata;
  const owner = { kind, name, ...(kind === "RegoPolicy" ? {} : { namespace: namespace ?? "" }) };
  const ref = { name: setName(owner) };
  const object = await getObject(connection, resourceOf("SelectorSet"), ref, signal);
  return object === undefined ? { ok: true, value: [] } : setsIn(object);
}

/** The sets in a SelectorSet as kubectl prints it. */
export function setsIn(object: unknown): Result<readonly SelectorSet[]> {
  const { kind, spec } = (object ?? {}) as { readonly kind?: unknown; readonly spec?: unknown };
  const { sets } = (spec ?? {}) as { readonly sets?: unknown };
  if (kind !== resourceOf("SelectorSet").kind || !Array.isArray(sets)) {
    const fix = "give what kubectl get selectorset NAME -o yaml prints";
    return {
      ok: false,
      problems: [{ field: "kind", what: "is no SelectorSet", fix, kind: "invalid" }],
    };
  }
  return { ok: true, value: sets as readonly SelectorSet[] };
}
