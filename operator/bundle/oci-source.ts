import type { ArtifactKey, BundleSource } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";
import type { Content, ContentContext } from "./content.ts";
import { assertDigest, assertPin, contentDigest } from "./content-digest.ts";
import { verifyArtifact } from "./cosign.ts";
import { type Descriptor, onlyImage, parseLayers, parseManifest } from "./oci-manifest.ts";
import { parseOciReference } from "./oci-reference.ts";
import { Registry } from "./registry.ts";
import { assertCompressedSize } from "./unpack.ts";

type OciSource = Extract<BundleSource, { readonly kind: "oci" }>;

/** As `oras push` and the policy CLI label a bundle, and as OPA looks for it. */
const bundleType = "application/vnd.oci.image.layer.v1.tar+gzip";

/**
 * The tarball in an artifact: the one layer of type tar+gzip. Its digest and etag are those of the
 * manifest, or of the index that the manifest is in, checked against the pin and the cosign keys; the
 * manifest in turn names the layer's.
 */
export async function fetchOci(
  source: OciSource,
  context: ContentContext & { readonly artifactKeys: readonly ArtifactKey[] },
  signal: AbortSignal,
): Promise<Content> {
  const reference = parseOciReference(source.reference);
  const where = `${reference.registry}/${reference.repository}:${reference.version}`;
  assertPin(where, source.digest);
  const { credentials, ca, plainHttp } = source;
  const registry = new Registry({ reference, credentials, ca, plainHttp }, context);
  const manifest = await registry.manifest(reference.version, signal);
  if (manifest === undefined) {
    throw new BundleError(
      "Unreachable",
      `${where}: is not in the registry; push it or correct the name`,
    );
  }
  for (const pin of [reference.digest, source.digest]) {
    if (pin !== undefined) assertDigest(where, manifest, pin);
  }
  const digest = contentDigest(manifest);
  if (digest === context.etag) return { kind: "unchanged", etag: digest };
  if (context.artifactKeys.length > 0) {
    await verifyArtifact(registry, { where, digest }, context.artifactKeys, signal);
  }
  const found = parseManifest(where, manifest);
  const all =
    found.kind === "image"
      ? found.layers
      : parseLayers(where, await imageOf(registry, where, found.manifests, signal));
  const layers = all.filter(({ mediaType }) => mediaType === bundleType);
  if (layers.length !== 1) {
    throw new BundleError(
      "NotABundle",
      `${where}: has ${layers.length} layers of type ${bundleType}, not 1; push the tarball alone`,
    );
  }
  assertCompressedSize(layers[0]!.size, context.limits);
  return {
    kind: "content",
    tarball: await registry.blob(layers[0]!, signal),
    digest,
    etag: digest,
  };
}

/** The manifest of the one image of an index: builders push an index even for one platform. */
async function imageOf(
  registry: Registry,
  where: string,
  manifests: readonly Descriptor[],
  signal: AbortSignal,
): Promise<Buffer> {
  const { digest } = onlyImage(where, manifests);
  const image = await registry.manifest(digest, signal);
  if (image === undefined) {
    const what = `${where}: is an index of ${digest}, which is not in the registry`;
    throw new BundleError("Unreachable", `${what}; push it again`);
  }
  assertDigest(where, image, digest);
  return image;
}
