import type { BundleLimits } from "./bundle.ts";
import type { HttpContext } from "./http-get.ts";

/** What came over the network, before it is unpacked. */
export type Content =
  /** The source still has what the caller's etag names. */
  | { readonly kind: "unchanged"; readonly etag: string }
  | {
      readonly kind: "content";
      readonly tarball: Uint8Array;
      /** As Bundle.digest. */
      readonly digest: string;
      /** Names this content at its source. */
      readonly etag?: string;
    };

/** What a source needs to know of the caller. */
export type ContentContext = HttpContext & {
  readonly etag: string | undefined;
  readonly limits: BundleLimits;
};
