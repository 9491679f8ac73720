import { assembleBundle } from "./assemble.ts";
import type { Bundle, BundleLimits } from "./bundle.ts";
import type { SignatureKeys } from "./signature.ts";
import { collectFiles, unpackTarball } from "./unpack.ts";

/** What was fetched, and what is asked of it. Plain data: it goes to another thread. */
export type OpenRequest = {
  readonly content:
    | { readonly kind: "tarball"; readonly tarball: Uint8Array }
    | { readonly kind: "files"; readonly files: readonly (readonly [string, Uint8Array])[] };
  /** As Bundle.digest. */
  readonly digest: string;
  readonly limits: BundleLimits;
  /** Absent: no signature is looked at. */
  readonly verification?: SignatureKeys;
};

/** The bundle in what was fetched: unpacked, verified, read. BundleError when it is none. */
export async function openBundle(request: OpenRequest): Promise<Bundle> {
  const { content, digest, limits, verification } = request;
  const files =
    content.kind === "tarball"
      ? await unpackTarball(content.tarball, limits)
      : collectFiles(
          content.files.map(([path, file]) => [path, Buffer.from(file)]),
          limits,
        );
  if (verification !== undefined) {
    const { verifySignature } = await import("./signature.ts"); // with all of jose
    await verifySignature(files, verification);
  }
  // Loose files need no manifest: the ConfigMap's own version says what a revision would.
  const manifest = content.kind === "tarball" ? "required" : "optional";
  return assembleBundle(files, { digest, manifest });
}
