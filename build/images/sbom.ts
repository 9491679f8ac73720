import { createHash } from "node:crypto";
import type { Part } from "./part.ts";

/**
 * What is in an image as CycloneDX 1.5 JSON (cyclonedx.org/docs/1.5/json). The same bytes for the
 * same parts: neither a time nor a random number is in it.
 */
export function cycloneDx(image: string, version: string, parts: readonly Part[]): Buffer {
  const components = parts.map((part) => ({
    type: "library",
    "bom-ref": part.purl,
    name: part.name,
    version: part.version,
    purl: part.purl,
    ...(part.hashes === undefined ? {} : { hashes: part.hashes }),
    licenses: part.licenses.map((name) => ({ license: isSpdxId(name) ? { id: name } : { name } })),
    properties: part.files.map((value) => ({ name: "guardbee:file", value })),
  }));
  const digest = createHash("sha256")
    .update(image)
    .update(JSON.stringify(components))
    .digest("hex");
  const bom = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    serialNumber: `urn:uuid:${uuidOf(digest)}`,
    version: 1,
    metadata: {
      component: {
        ...{ type: "container", "bom-ref": image, name: image, version },
        licenses: [{ license: { id: "Apache-2.0" } }],
      },
    },
    components,
    dependencies: [{ ref: image, dependsOn: parts.map(({ purl }) => purl) }],
  };
  return Buffer.from(`${JSON.stringify(bom, null, 2)}\n`);
}

/** Of those that parts have; other names of Debian's files are names to CycloneDX. */
function isSpdxId(name: string): boolean {
  return /^(Apache-2\.0|MIT|ISC|0BSD|BSD-[23]-Clause|MPL-2\.0|BlueOak-1\.0\.0|CC0-1\.0|Unlicense|Python-2\.0)$/.test(
    name,
  );
}

/** 32 hexadecimal digits in the form of a UUID, of version 8: made as its maker likes (RFC 9562). */
function uuidOf(hex: string): string {
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`];
  return [...parts, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join("-");
}
