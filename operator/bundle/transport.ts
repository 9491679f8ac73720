import type { BundleSource, Verification } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";
import { parseOciReference } from "./oci-reference.ts";

/**
 * InvalidSource for plain HTTP to another machine where whoever is in between could write the policy
 * (nothing pins or signs the bundle) or read the credentials.
 */
export function assertTransport(
  source: Exclude<BundleSource, { readonly kind: "configMap" }>,
  verification: Verification | undefined,
): void {
  if (!isPlainElsewhere(source)) return;
  const where = `bundle ${source.kind === "http" ? "URL" : "reference"}`;
  if (source.credentials !== undefined) {
    const what = `${where}: is plain HTTP, which would show the credentials`;
    throw new BundleError("InvalidSource", `${what}; use HTTPS`);
  }
  const isPinned = source.kind === "oci" && parseOciReference(source.reference).digest;
  if (verification !== undefined || source.digest !== undefined || isPinned) return;
  const what = `${where}: is plain HTTP, and nothing says which bundle is the right one`;
  throw new BundleError("InvalidSource", `${what}; use HTTPS, or add digest or verification`);
}

/** Whether a registry is on this machine. */
export function isLoopback(registry: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/.test(registry);
}

function isPlainElsewhere(source: Exclude<BundleSource, { readonly kind: "configMap" }>): boolean {
  if (source.kind === "oci") {
    return source.plainHttp === true && !isLoopback(parseOciReference(source.reference).registry);
  }
  if (!URL.canParse(source.url)) return false; // parseHttpUrl says it better
  const { protocol, host } = new URL(source.url);
  return protocol === "http:" && !isLoopback(host);
}
