import { createHash } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { startWebServer, type WebServer } from "./web-server.ts";

const repository = "team/policy";
const types = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  bundle: "application/vnd.oci.image.layer.v1.tar+gzip",
  signature: "application/vnd.dev.cosign.simplesigning.v1+json",
} as const;

export type Layer = {
  readonly content: Uint8Array;
  readonly mediaType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
};

/** A small OCI registry (distribution spec, pull half) with one repository, `team/policy`. */
export type RegistryServer = {
  readonly server: WebServer;
  /** `127.0.0.1:port/team/policy:tag`. */
  reference(version: string): string;
  /** Stores a manifest of these layers under a tag. */
  push(tag: string, layers: readonly Layer[]): { readonly digest: string };
  /** Stores any bytes as the manifest of a tag. */
  pushManifest(tag: string, content: string): { readonly digest: string };
  /** Signs a manifest as cosign does: `sign` makes the signature of the payload. */
  cosign(digest: string, sign: (payload: Buffer) => Buffer, payload?: object): void;
  /** Answers with these bytes for a blob, whatever it should be. */
  replaceBlob(digest: string, content: Uint8Array): void;
};

/** What an answer may be before the registry gives its own; true when it has answered. */
export type Guard = (request: IncomingMessage, response: ServerResponse) => boolean;

export async function startRegistry(
  guard: Guard = () => false,
  tls?: Parameters<typeof startWebServer>[1],
): Promise<RegistryServer> {
  const manifests = new Map<string, Buffer>();
  const blobs = new Map<string, Uint8Array>();
  const handle: RequestListener = (request, response) => {
    if (guard(request, response)) return;
    const [, kind, version] =
      new RegExp(`^/v2/${repository}/(manifests|blobs)/([^/]+)$`).exec(request.url!) ?? [];
    const content = (kind === "manifests" ? manifests : blobs).get(version ?? "");
    if (content === undefined) {
      response.writeHead(404, { "content-type": "application/json" }).end('{"errors":[]}');
      return;
    }
    const type = kind === "manifests" ? types.manifest : "application/octet-stream";
    response.writeHead(200, { "content-type": type, "content-length": content.byteLength });
    response.end(content);
  };
  const server = await startWebServer(handle, tls);

  function pushManifest(tag: string, text: string) {
    const content = Buffer.from(text);
    const digest = digestOf(content);
    manifests.set(tag, content).set(digest, content);
    return { digest };
  }
  function push(tag: string, layers: readonly Layer[]) {
    const describe = ({ content, mediaType = types.bundle, annotations }: Layer) => {
      const digest = digestOf(content);
      blobs.set(digest, content);
      return { mediaType, digest, size: content.byteLength, annotations };
    };
    const config = describe({ content: Buffer.from("{}"), mediaType: types.config });
    const manifest = { schemaVersion: 2, mediaType: types.manifest, config };
    return pushManifest(tag, JSON.stringify({ ...manifest, layers: layers.map(describe) }));
  }
  return {
    server,
    reference: (version) =>
      `${server.host}/${repository}${version.includes(":") ? "@" : ":"}${version}`,
    push,
    pushManifest,
    cosign(digest, sign, payload = simpleSigning(digest)) {
      const content = Buffer.from(JSON.stringify(payload));
      const annotations = {
        "dev.cosignproject.cosign/signature": sign(content).toString("base64"),
      };
      push(`${digest.replace(":", "-")}.sig`, [
        { content, mediaType: types.signature, annotations },
      ]);
    },
    replaceBlob(digest, content) {
      blobs.set(digest, content);
    },
  };
}

/** What cosign signs for a manifest. */
export function simpleSigning(digest: string): object {
  return {
    critical: {
      identity: { "docker-reference": "registry.example/team/policy" },
      image: { "docker-manifest-digest": digest },
      type: "cosign container image signature",
    },
    optional: null,
  };
}

function digestOf(content: Uint8Array): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}
