import { createHash } from "node:crypto";
import { BundleError } from "./bundle-error.ts";

/** `sha256:<hex>` of the content, as OCI writes digests. */
export function contentDigest(content: Uint8Array): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

/** Whether it is a digest of the one form that we take. */
export function isDigest(text: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}

/** Throws DigestMismatch unless `content` has the digest `wanted`. */
export function assertDigest(where: string, content: Uint8Array, wanted: string): void {
  const actual = contentDigest(content);
  if (actual === wanted) return;
  throw new BundleError(
    "DigestMismatch",
    `${where}: has the digest ${actual} and not ${wanted}; pin the new one, or find out who changed it`,
  );
}

/** Throws InvalidSource unless `digest` is absent or well formed. */
export function assertPin(where: string, digest: string | undefined): void {
  if (digest === undefined || isDigest(digest)) return;
  throw new BundleError(
    "InvalidSource",
    `${where}: ${JSON.stringify(digest.slice(0, 100))} is no digest; write sha256: and 64 hex digits`,
  );
}
