/** Why a bundle is not used; stable, for conditions and metrics. */
export const bundleErrorReasons = [
  /** The source itself cannot be right: a URL, a reference, a key. */
  "InvalidSource",
  /** No answer, not in time, or an HTTP status that is no success. */
  "Unreachable",
  /** A limit of BundleLimits. */
  "TooLarge",
  /** What came is no bundle, or one that contradicts itself. */
  "NotABundle",
  /** It has no `.manifest`. */
  "NoManifest",
  /** The content is not what `digest` pins, or not what the registry said it would be. */
  "DigestMismatch",
  /** Its revision is below `minRevision`, or cannot be compared with it. */
  "TooOld",
  /** `guardbee.io/forget-bundle` names this content. */
  "Forgotten",
  /** Verification is asked for and there is no signature. */
  "NotSigned",
  /** There is a signature, and it does not hold. */
  "BadSignature",
  /** A file is not the one that was signed. */
  "FileChanged",
  /** A file that the signature does not list. */
  "FileNotListed",
  /** The signature lists a file that is not there. */
  "FileMissing",
  /** A path that leaves the bundle, or an entry that is no plain file. */
  "UnsafePath",
] as const;

export type BundleErrorReason = (typeof bundleErrorReasons)[number];

/**
 * A bundle that cannot be used. The message says where, what and what to do; it holds neither
 * credentials nor a URL's query, nor what the server answered.
 */
export class BundleError extends Error {
  override readonly name = "BundleError";
  readonly code = "bundle";
  readonly reason: BundleErrorReason;
  /** How long the server asked to be left alone, in milliseconds. */
  readonly retryAfterMs?: number;

  constructor(
    reason: BundleErrorReason,
    message: string,
    more: { readonly cause?: unknown; readonly retryAfterMs?: number } = {},
  ) {
    super(message, more.cause === undefined ? {} : { cause: more.cause });
    this.reason = reason;
    if (more.retryAfterMs !== undefined) this.retryAfterMs = more.retryAfterMs;
  }
}
