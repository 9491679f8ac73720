import { createHash } from "node:crypto";
import type { BundleLimits, BundleSource } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";
import { contentDigest } from "./content-digest.ts";
import { type BundleFiles, collectFiles, unpackTarball } from "./unpack.ts";

type ConfigMapSource = Extract<BundleSource, { readonly kind: "configMap" }>;

/**
 * The files of a ConfigMap: those in the tarball when it holds one, else its keys. Loose files need no
 * manifest, because the ConfigMap's own version says what a revision would.
 */
export async function readConfigMapFiles(
  source: ConfigMapSource,
  limits: BundleLimits,
): Promise<{
  readonly files: BundleFiles;
  readonly digest: string;
  readonly manifest: "required" | "optional";
}> {
  const entries: (readonly [string, Buffer])[] = [
    ...Object.entries(source.files).map(([path, text]) => [path, Buffer.from(text)] as const),
    ...Object.entries(source.binary ?? {}).map(([path, raw]) => [path, Buffer.from(raw)] as const),
  ].sort(([a], [b]) => (a < b ? -1 : 1));
  const tarball = entries.find(([path]) => path.endsWith(".tar.gz"));
  if (tarball === undefined) {
    return {
      files: collectFiles(entries, limits),
      digest: digestOf(entries),
      manifest: "optional",
    };
  }
  if (entries.length > 1) {
    throw new BundleError(
      "NotABundle",
      `bundle: has ${tarball[0]} and other files beside it; keep either the tarball or the files`,
    );
  }
  const files = await unpackTarball(tarball[1], limits);
  return { files, digest: contentDigest(tarball[1]), manifest: "required" };
}

/** Over names and contents, each with its length before it, in the order of names. */
function digestOf(entries: readonly (readonly [string, Buffer])[]): string {
  const hash = createHash("sha256");
  for (const [path, content] of entries) {
    hash.update(`${Buffer.byteLength(path)}:${path}${content.byteLength}:`).update(content);
  }
  return `sha256:${hash.digest("hex")}`;
}
