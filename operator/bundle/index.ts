export {
  type ArtifactKey,
  type Bundle,
  type BundleLimits,
  type BundleModule,
  type BundleSource,
  type BundleWasm,
  type Credentials,
  defaultLimits,
  signatureAlgorithms,
  type Verification,
  type VerificationKey,
} from "./bundle.ts";
export { BundleError, type BundleErrorReason, bundleErrorReasons } from "./bundle-error.ts";
export { contentDigest as bundleDigest } from "./content-digest.ts";
export type { Egress } from "./egress.ts";
export { type Fetched, type FetchOptions, fetchBundle } from "./fetch-bundle.ts";
export { assertHostPatterns, listingOf } from "./host-list.ts";
export { parseHttpUrl } from "./http-get.ts";
export { type OciReference, parseOciReference } from "./oci-reference.ts";
export { openBundle } from "./open-bundle.ts";
export { afterPoll, noPolls, type Polls, pollDelayMs } from "./poll-delay.ts";
export { compareRevisions } from "./revision.ts";
export { type BundleOwner, BundleStore, type BundleStoreOptions } from "./store.ts";
