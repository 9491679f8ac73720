import { type Clock, systemClock, withDeadline } from "@guardbee/kube";
import type { Bundle, BundleLimits, BundleSource, Verification } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";
import { readConfigMap } from "./config-map-source.ts";
import type { Content } from "./content.ts";
import type { Egress } from "./egress.ts";
import { fetchHttp } from "./http-source.ts";
import { fetchOci } from "./oci-source.ts";
import type { OpenRequest } from "./open-bundle.ts";
import { openInWorker } from "./open-in-worker.ts";
import { assertTransport } from "./transport.ts";

export type FetchOptions = {
  /**
   * Of the last bundle that was used from this very source with this very verification: when that is
   * still the one there, the answer is `unchanged`.
   */
  readonly etag?: string | undefined;
  /** Signatures that it must have. Absent: none is looked at. */
  readonly verification?: Verification | undefined;
  readonly limits: BundleLimits;
  readonly egress: Egress;
  /** For all that goes over the network. */
  readonly timeoutMs: number;
  /** For silence on the line; default 30 s. */
  readonly idleMs?: number;
  /** For unpacking and verifying; default 30 s. */
  readonly openMs?: number;
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
    const found = readConfigMap(source);
    if (found.digest === options.etag) return { kind: "unchanged", etag: found.digest };
    return { kind: "bundle", bundle: await open(found, options), etag: found.digest };
  }
  assertTransport(source, options.verification);
  const fetched = await fetchContent(source, options);
  if (fetched.kind === "unchanged") return fetched;
  const { tarball, digest, etag } = fetched;
  const bundle = await open({ content: { kind: "tarball", tarball }, digest }, options);
  return { kind: "bundle", bundle, ...(etag === undefined ? {} : { etag }) };
}

function fetchContent(
  source: Exclude<BundleSource, { readonly kind: "configMap" }>,
  options: FetchOptions,
): Promise<Content> {
  const { clock = systemClock, idleMs = 30_000, timeoutMs, etag, limits, egress } = options;
  const limit = {
    ms: timeoutMs,
    error: () =>
      new BundleError(
        "Unreachable",
        `${source.kind} source: no bundle within ${timeoutMs} ms; try later, or serve a smaller one`,
      ),
  };
  const context = { clock, idleMs, etag, limits, egress };
  const artifactKeys = options.verification?.artifactKeys ?? [];
  return withDeadline(clock, limit, options.signal, (signal) =>
    source.kind === "http"
      ? fetchHttp(source, context, signal)
      : fetchOci(source, { ...context, artifactKeys }, signal),
  );
}

function open(
  found: Pick<OpenRequest, "content" | "digest">,
  { limits, verification, clock = systemClock, openMs = 30_000, signal }: FetchOptions,
): Promise<Bundle> {
  const { keys = [], scope } = verification ?? {};
  const request = {
    ...found,
    limits,
    ...(keys.length > 0 ? { verification: { keys, scope } } : {}),
  };
  return openInWorker(request, { clock, ms: openMs }, signal);
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
