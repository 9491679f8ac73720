import type { KubeObject } from "@guardbee/kube";
import { isRecord } from "@guardbee/policy";

/** What the API server asks: may this be written? */
export type AdmissionRequest = {
  readonly uid: string;
  readonly operation: string;
  readonly kind: { readonly group: string; readonly kind: string };
  /** As it would be; undefined for a DELETE. */
  readonly object: KubeObject | undefined;
  /** As it is; undefined for a CREATE. */
  readonly oldObject: KubeObject | undefined;
};

export type Verdict =
  | { readonly allowed: true; readonly warnings: readonly string[] }
  | {
      readonly allowed: false;
      /** HTTP status and reason that the client sees. */
      readonly code: number;
      readonly reason: string;
      readonly message: string;
      readonly warnings: readonly string[];
    };

/** The request in the body of an AdmissionReview v1, or what is wrong with it. Never throws. */
export function parseReview(raw: unknown): AdmissionRequest | { readonly error: string } {
  if (!isRecord(raw) || raw.apiVersion !== apiVersion || raw.kind !== "AdmissionReview") {
    return { error: `the body is no AdmissionReview of ${apiVersion}` };
  }
  const { request } = raw;
  if (!isRecord(request)) return { error: "request: is no object" };
  const { uid, operation, kind, object, oldObject } = request;
  if (typeof uid !== "string") return { error: "request.uid: is no text" };
  if (typeof operation !== "string") return { error: "request.operation: is no text" };
  if (!isRecord(kind)) return { error: "request.kind: is no object" };
  const { group, kind: name } = kind;
  if (typeof group !== "string" || typeof name !== "string") {
    return { error: "request.kind: group or kind is no text" };
  }
  const objects = { object: readObject(object), oldObject: readObject(oldObject) };
  for (const [field, value] of Object.entries(objects)) {
    if (value === "wrong") return { error: `request.${field}: is no object with metadata` };
  }
  return {
    ...{ uid, operation, kind: { group, kind: name } },
    ...(objects as { object: KubeObject | undefined; oldObject: KubeObject | undefined }),
  };
}

/** The AdmissionReview that answers the request `uid`. */
export function answerReview(uid: string, verdict: Verdict): object {
  const { allowed, warnings } = verdict;
  return {
    apiVersion,
    kind: "AdmissionReview",
    response: {
      uid,
      allowed,
      ...(warnings.length > 0 ? { warnings } : {}),
      ...(verdict.allowed
        ? {}
        : {
            status: {
              ...{ code: verdict.code, reason: verdict.reason },
              message: verdict.message,
            },
          }),
    },
  };
}

const apiVersion = "admission.k8s.io/v1";

/** A name is missing while the API server has yet to generate it. */
function readObject(raw: unknown): KubeObject | undefined | "wrong" {
  if (raw === undefined || raw === null) return undefined;
  if (!isRecord(raw) || !isRecord(raw.metadata)) return "wrong";
  const { name, generateName, namespace, labels = {}, annotations = {} } = raw.metadata;
  const known = name ?? (typeof generateName === "string" ? `${generateName}00000` : undefined);
  if (typeof known !== "string") return "wrong";
  if (namespace !== undefined && typeof namespace !== "string") return "wrong";
  if (!isRecord(labels) || !isRecord(annotations)) return "wrong";
  return { ...raw, metadata: { ...raw.metadata, name: known } } as KubeObject;
}
