import { BundleError } from "./bundle-error.ts";
import { isDigest } from "./content-digest.ts";
import { parseJson } from "./document.ts";

/** One piece of content, as a manifest or an index describes it. */
export type Descriptor = {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations: Readonly<Record<string, unknown>>;
};

/** What a tag or a digest stands for: an image, or an index that lists images. */
export type OciManifest =
  | { readonly kind: "image"; readonly layers: readonly Descriptor[] }
  | { readonly kind: "index"; readonly manifests: readonly Descriptor[] };

/** The manifest or index in `content` (OCI image spec 1.1); NotABundle when it is neither. */
export function parseManifest(where: string, content: Buffer): OciManifest {
  const raw = parseJson(where, content) as Record<string, unknown> | null;
  const descriptors = (list: readonly unknown[], what: string) =>
    list.map((one) => parseDescriptor(where, one, what));
  const { mediaType, layers, manifests } = raw ?? {};
  // Whoever signed it may have read the other half (CVE-2021-41190).
  const isBoth =
    (layers !== undefined && manifests !== undefined) ||
    (layers !== undefined && indexTypes.includes(mediaType as string)) ||
    (manifests !== undefined && imageTypes.includes(mediaType as string));
  if (isBoth) {
    const what = `${where}: is an image manifest and an index at once`;
    throw new BundleError("NotABundle", `${what}; push the bundle with oras or policy`);
  }
  if (Array.isArray(layers)) {
    return { kind: "image", layers: descriptors(layers, "layer") };
  }
  if (Array.isArray(manifests)) {
    return { kind: "index", manifests: descriptors(manifests, "manifest") };
  }
  throw new BundleError(
    "NotABundle",
    `${where}: is no image manifest with layers; push the bundle with oras or policy`,
  );
}

/** The layers of an image manifest; NotABundle when it is malformed or an index. `where` names it. */
export function parseLayers(where: string, content: Buffer): readonly Descriptor[] {
  const manifest = parseManifest(where, content);
  if (manifest.kind === "image") return manifest.layers;
  throw new BundleError("NotABundle", `${where}: is an index; name the image in it by its digest`);
}

/** The one image in an index, signatures and attestations of builders aside; else NotABundle. */
export function onlyImage(where: string, manifests: readonly Descriptor[]): Descriptor {
  const images = manifests.filter(
    ({ mediaType, annotations }) =>
      imageTypes.includes(mediaType) && annotations["vnd.docker.reference.type"] === undefined,
  );
  if (images.length === 1) return images[0]!;
  throw new BundleError(
    "NotABundle",
    `${where}: is an index of ${images.length} images, not 1; push the bundle alone, or name its image by digest`,
  );
}

const imageTypes = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];
const indexTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];

/** What a registry is told that we take. */
export const manifestTypes: readonly string[] = [...imageTypes, ...indexTypes];

function parseDescriptor(where: string, raw: unknown, what: string): Descriptor {
  const {
    mediaType,
    digest,
    size,
    annotations = {},
  } = (raw ?? {}) as Readonly<Record<string, unknown>>;
  const sound =
    typeof mediaType === "string" &&
    typeof digest === "string" &&
    isDigest(digest) &&
    typeof size === "number" &&
    Number.isSafeInteger(size) &&
    size >= 0 &&
    typeof annotations === "object" &&
    annotations !== null;
  if (sound)
    return { mediaType, digest, size, annotations: annotations as Descriptor["annotations"] };
  throw new BundleError(
    "NotABundle",
    `${where}: has a ${what} without mediaType, sha256 digest or size; push the bundle again`,
  );
}
