import { type Clock, systemClock, withDeadline } from "@guardbee/kube";
import { assembleBundle } from "./assemble.ts";
import type { Bundle, BundleLimits, BundleSource, Verification } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";
import { readConfigMapFiles } from "./config-map-source.ts";
import { fetchHttp } from "./http-source.ts";
import { fetchOci } from "./oci-source.ts";
import { verifySignature } from "./signature.ts";
import { type BundleFiles, unpackTarball } from "./unpack.ts";

export type FetchOptions = {
  /**
   * Of the last bundle that was used from this very source with this very verification: when that is
   * still the one there, the answer is `unchanged`.
   */
  readonly etag?: string | undefined;
  /** Signatures that it must have. Absent: none is looked at. */
  readonly verification?: Verification | undefined;
  readonly limits: BundleLimits;
  /** For everything that goes over the network. */
  readonly timeoutMs: number;
  /** For silence on the line; default 30 s. */
  readonly idleMs?: number;
  readonly clock?: Clock;
  readonly signal: AbortSignal;
};

export type Fetched =
  | { readonly kind: "unchanged"; readonly etag: string }
  | { readonly kind: "bundle"; readonly bundle: Bundle; readonly etag?: string };

/**
 * The bundle of a source: fetched, unpacked within the limits, verified as asked. BundleError for
 * whatever is wrong with it; rejects with `signal.reason` when aborted.
 */
export async function fetchBundle(source: BundleSource, options: FetchOptions): Promise<Fetched> {
  assertVerification(source, options.verification);
  if (source.kind === "configMap") {
    const { files, digest, manifest } = await readConfigMapFiles(source, options.limits);
    if (digest === options.etag) return { kind: "unchanged", etag: digest };
    const bundle = await bundleOf(files, digest, manifest, options.verification);
    return { kind: "bundle", bundle, etag: digest };
  }
  const { clock = systemClock, idleMs = 30_000, timeoutMs } = options;
  const limit = {
    ms: timeoutMs,
    error: () =>
      new BundleError(
        "Unreachable",
        `${source.kind} source: no bundle within ${timeoutMs} ms; try later, or serve a smaller one`,
      ),
  };
  const context = { clock, idleMs, etag: options.etag, limits: options.limits };
  const content = await withDeadline(clock, limit, options.signal, (signal) =>
    source.kind === "http"
      ? fetchHttp(source, context, signal)
      : fetchOci(source, { ...context, artifactKeys: artifactKeys(options) }, signal),
  );
  if (content.kind === "unchanged") return content;
  const { tarball, digest, etag } = content;
  const files = await unpackTarball(tarball, options.limits);
  const bundle = await bundleOf(files, digest, "required", options.verification);
  return { kind: "bundle", bundle, ...(etag === undefined ? {} : { etag }) };
}

async function bundleOf(
  files: BundleFiles,
  digest: string,
  manifest: "required" | "optional",
  verification: Verification | undefined,
): Promise<Bundle> {
  if (verification !== undefined && verification.keys.length > 0) {
    await verifySignature(files, verification);
  }
  return assembleBundle(files, { digest, manifest });
}

/** Verification that demands nothing would accept everything, so it is refused. */
function assertVerification(source: BundleSource, verification: Verification | undefined): void {
  if (verification === undefined) return;
  const { keys, artifactKeys = [] } = verification;
  if (keys.length === 0 && artifactKeys.length === 0) {
    throw new BundleError("InvalidSource", "bundle verification: has no keys; add one");
  }
  if (artifactKeys.length > 0 && source.kind !== "oci") {
    throw new BundleError(
      "NotSigned",
      `bundle verification: asks for a signed artifact, which a source ${source.kind} is not; use keys`,
    );
  }
}

function artifactKeys({ verification }: FetchOptions): Verification["artifactKeys"] & object {
  return verification?.artifactKeys ?? [];
}
