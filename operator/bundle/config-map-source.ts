import { createHash } from "node:crypto";
import type { BundleSource } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";
import { contentDigest } from "./content-digest.ts";
import type { OpenRequest } from "./open-bundle.ts";

type ConfigMapSource = Extract<BundleSource, { readonly kind: "configMap" }>;

/** What a ConfigMap holds: the tarball when there is one, else its keys as files. */
export function readConfigMap(source: ConfigMapSource): Pick<OpenRequest, "content" | "digest"> {
  const files: (readonly [string, Buffer])[] = [
    ...Object.entries(source.files).map(([path, text]) => [path, Buffer.from(text)] as const),
    ...Object.entries(source.binary ?? {}).map(([path, raw]) => [path, Buffer.from(raw)] as const),
  ].sort(([a], [b]) => (a < b ? -1 : 1));
  const found = files.find(([path]) => path.endsWith(".tar.gz"));
  if (found === undefined) return { content: { kind: "files", files }, digest: digestOf(files) };
  const [name, tarball] = found;
  if (files.length === 1) {
    return { content: { kind: "tarball", tarball }, digest: contentDigest(tarball) };
  }
  throw new BundleError(
    "NotABundle",
    `bundle: has ${name} and other files beside it; keep either the tarball or the files`,
  );
}

/** Over names and contents, each with its length before it, in the order of names. */
function digestOf(files: readonly (readonly [string, Buffer])[]): string {
  const hash = createHash("sha256");
  for (const [path, content] of files) {
    hash.update(`${Buffer.byteLength(path)}:${path}${content.byteLength}:`).update(content);
  }
  return `sha256:${hash.digest("hex")}`;
}
