import type { Bundle } from "./bundle.ts";
import type { BundleErrorReason } from "./bundle-error.ts";

/** What the thread that opens a bundle says, once. */
export type OpenMessage =
  /** `data` is JSON: cloning a large tree holds up the other thread longer than parsing it. */
  | { readonly kind: "bundle"; readonly bundle: Omit<Bundle, "data">; readonly data: string }
  | { readonly kind: "refused"; readonly reason: BundleErrorReason; readonly message: string };
