import { BundleError } from "./bundle-error.ts";
import { isDigest } from "./content-digest.ts";
import { parseJson } from "./document.ts";
import type { Descriptor } from "./registry.ts";

/** The layers of an image manifest; NotABundle when it is malformed or an index. `where` names it. */
export function parseLayers(where: string, content: Buffer): readonly Descriptor[] {
  const raw = parseJson(where, content) as Record<string, unknown> | null;
  const layers = raw?.layers;
  if (Array.isArray(layers)) return layers.map((layer: unknown) => parseDescriptor(where, layer));
  throw new BundleError(
    "NotABundle",
    `${where}: is no image manifest with layers; push the bundle with oras or policy`,
  );
}

function parseDescriptor(where: string, raw: unknown): Descriptor {
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
    `${where}: has a layer without mediaType, sha256 digest or size; push the bundle again`,
  );
}
