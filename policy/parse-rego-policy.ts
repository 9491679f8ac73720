import { lostDigits } from "./lost-digits.ts";
import { parseMetadata } from "./metadata.ts";
import type { Result } from "./problem.ts";
import { conform, isRecord } from "./schema/conform.ts";
import { regoKinds } from "./schema/kinds.ts";
import type { RegoPolicy } from "./schema/rego-policy.ts";

/** The RegoPolicy in an object from the API; every problem of its schema otherwise. Never throws. */
export function parseRegoPolicy(raw: unknown): Result<RegoPolicy> {
  const kind = isRecord(raw) ? regoKinds.find((one) => one.kind === raw.kind) : undefined;
  if (!isRecord(raw) || kind === undefined) {
    const fix = `allowed: ${regoKinds.map((one) => one.kind).join(", ")}`;
    return { ok: false, problems: [{ field: "kind", what: "is another", fix, kind: "invalid" }] };
  }
  const { apiVersion: _version, kind: _kind, metadata: rawMetadata, ...rest } = raw;
  const metadata = parseMetadata(rawMetadata, kind.scope === "Namespaced");
  const fields = conform(kind.schema, rest, "");
  if (!metadata.ok || !fields.ok) {
    const found = fields.ok ? [] : fields.problems;
    const problems = found.map((one) => ({ ...one, field: one.field.replace(/^\./, "") }));
    return { ok: false, problems: [...(metadata.ok ? [] : metadata.problems), ...problems] };
  }
  const { spec } = fields.value as RegoPolicy;
  const lost = lostDigits(spec.data, "spec.data");
  if (lost.length > 0) return { ok: false, problems: lost };
  const apiVersion = "guardbee.io/v1alpha1";
  return { ok: true, value: { apiVersion, kind: kind.kind, metadata: metadata.value, spec } };
}
