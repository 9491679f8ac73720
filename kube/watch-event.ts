import type { KubeObject } from "./resource.ts";

/** One line of a watch, as far as it is understood. */
export type WatchEvent =
  | { readonly type: "set"; readonly object: KubeObject; readonly resourceVersion: string }
  | { readonly type: "deleted"; readonly object: KubeObject; readonly resourceVersion: string }
  | { readonly type: "bookmark"; readonly resourceVersion: string }
  | { readonly type: "error"; readonly status: number; readonly message: string }
  | { readonly type: "garbage" };

/** The event in one line; never throws: whatever a broken proxy sends is `garbage`. */
export function parseWatchEvent(line: string): WatchEvent {
  const raw = parseJson(line);
  if (!isRecord(raw) || !isRecord(raw.object)) return { type: "garbage" };
  if (raw.type === "ERROR") {
    const { code, message } = raw.object;
    return { type: "error", status: Number(code ?? 500), message: String(message ?? "unknown") };
  }
  const { metadata } = raw.object;
  if (!isRecord(metadata) || typeof metadata.resourceVersion !== "string") {
    return { type: "garbage" };
  }
  const { resourceVersion } = metadata;
  if (raw.type === "BOOKMARK") return { type: "bookmark", resourceVersion };
  if (typeof metadata.name !== "string") return { type: "garbage" };
  const object = raw.object as KubeObject;
  if (raw.type === "ADDED" || raw.type === "MODIFIED") {
    return { type: "set", object, resourceVersion };
  }
  if (raw.type === "DELETED") return { type: "deleted", object, resourceVersion };
  return { type: "garbage" };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
