import { createHash } from "node:crypto";
import { encodeTar, type TarEntry } from "./tar.ts";

/** What an image is made of. The layers are tar archives, lowest first. */
export type ImageSpec = {
  /** Full name with registry and tag, as containerd stores it. */
  readonly name: string;
  readonly layers: readonly Uint8Array[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly env: readonly string[];
  readonly workingDir: string;
};

/** An OCI image layout (opencontainers/image-spec, image-layout.md) in memory. */
export type ImageLayout = {
  /** The manifest's digest: the identity of the image. */
  readonly digest: string;
  /** Every blob but the layers of the spec, by its digest. */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
  readonly layerDigests: readonly string[];
  readonly index: Uint8Array;
};

/** The layout of `spec`: the same bytes for the same spec. */
export function layoutImage(spec: ImageSpec): ImageLayout {
  const layerDigests = spec.layers.map(digestOf);
  const config = json({
    architecture: "amd64",
    os: "linux",
    created: "1970-01-01T00:00:00Z",
    config: {
      Env: spec.env,
      Entrypoint: spec.entrypoint,
      Cmd: spec.command,
      WorkingDir: spec.workingDir,
    },
    rootfs: { type: "layers", diff_ids: layerDigests },
    history: layerDigests.map(() => ({ created: "1970-01-01T00:00:00Z", created_by: "lab" })),
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: descriptor("application/vnd.oci.image.config.v1+json", config),
    layers: spec.layers.map((layer) => descriptor("application/vnd.oci.image.layer.v1.tar", layer)),
  });
  const index = json({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [
      {
        ...descriptor("application/vnd.oci.image.manifest.v1+json", manifest),
        platform: { architecture: "amd64", os: "linux" },
        annotations: {
          "io.containerd.image.name": spec.name,
          "org.opencontainers.image.ref.name": spec.name.replace(/.*:/, ""),
        },
      },
    ],
  });
  return {
    digest: digestOf(manifest),
    blobs: new Map([config, manifest].map((blob) => [digestOf(blob), blob])),
    layerDigests,
    index,
  };
}

/**
 * The layout as the tar that `ctr images import` reads. Layers whose digest is in `without` are
 * left out, for an importer that has them.
 */
export function encodeImage(spec: ImageSpec, without: ReadonlySet<string> = new Set()): Buffer {
  const layout = layoutImage(spec);
  const blobs = new Map(layout.blobs);
  spec.layers.forEach((layer, at) => void blobs.set(layout.layerDigests[at]!, layer));
  const kept = [...blobs].filter(([digest]) => !without.has(digest));
  return encodeTar([
    { kind: "dir", path: "blobs", mode: 0o755 },
    { kind: "dir", path: "blobs/sha256", mode: 0o755 },
    file("oci-layout", json({ imageLayoutVersion: "1.0.0" })),
    file("index.json", layout.index),
    ...kept.map(([digest, blob]) => file(`blobs/${digest.replace(":", "/")}`, blob)),
  ]);
}

/** `sha256:` and the hash in hex. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function descriptor(mediaType: string, bytes: Uint8Array) {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function file(path: string, data: Uint8Array): TarEntry {
  return { kind: "file", path, mode: 0o644, data };
}
