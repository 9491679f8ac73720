import { createPublicKey, type KeyObject, verify } from "node:crypto";
import type { ArtifactKey } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";
import { parseLayers } from "./oci-manifest.ts";
import type { Registry } from "./registry.ts";

const payloadType = "application/vnd.dev.cosign.simplesigning.v1+json";
const signatureAnnotation = "dev.cosignproject.cosign/signature";
const payloadBytesMax = 64 * 1024;
const signaturesMax = 50; // each is a request

/**
 * Throws unless one of `keys` signed the manifest with this digest, in cosign's format: the image
 * `sha256-<hex>.sig` of the repository, with a layer a signature (sigstore/cosign specs/SIGNATURE_SPEC.md).
 */
export async function verifyArtifact(
  registry: Registry,
  artifact: { readonly where: string; readonly digest: string },
  keys: readonly ArtifactKey[],
  signal: AbortSignal,
): Promise<void> {
  const { where, digest } = artifact;
  const publicKeys = keys.map(importKey);
  const content = await registry.manifest(`${digest.replace(":", "-")}.sig`, signal);
  const layers = content === undefined ? [] : parseLayers(`${where}: signature`, content);
  const signatures = layers.filter(({ mediaType }) => mediaType === payloadType);
  if (signatures.length === 0) {
    throw new BundleError(
      "NotSigned",
      `${where}: has no signature for ${digest}, and verification is configured; sign it with cosign sign --key`,
    );
  }
  for (const layer of signatures.slice(0, signaturesMax)) {
    const signature = layer.annotations[signatureAnnotation];
    if (typeof signature !== "string" || layer.size > payloadBytesMax) continue;
    const payload = await registry.blob(layer, signal);
    const made = Buffer.from(signature, "base64");
    if (publicKeys.some((key) => holds(key, payload, made)) && names(payload, digest)) return;
  }
  throw new BundleError(
    "BadSignature",
    `${where}: no signature for ${digest} holds with [${keys.map(({ id }) => id).join(", ")}]; sign it with the private half of one of them`,
  );
}

function importKey(key: ArtifactKey): KeyObject {
  try {
    const imported = createPublicKey(key.publicKey);
    const type = imported.asymmetricKeyType ?? "";
    // createPublicKey also takes a private key; whoever writes one here has leaked it.
    if (["ec", "rsa", "ed25519"].includes(type) && !key.publicKey.includes("PRIVATE KEY")) {
      return imported;
    }
  } catch (error) {
    throw invalidKey(key, error);
  }
  throw invalidKey(key, undefined);
}

function invalidKey(key: ArtifactKey, cause: unknown): BundleError {
  return new BundleError(
    "InvalidSource",
    `verification key ${key.id}: is no public key of ECDSA, RSA or Ed25519; write PEM as in cosign.pub`,
    { cause },
  );
}

function holds(key: KeyObject, payload: Buffer, signature: Buffer): boolean {
  const algorithm = key.asymmetricKeyType === "ed25519" ? null : "sha256";
  return verify(algorithm, payload, key, signature);
}

/** Whether a payload, which is verified by now, is about this manifest. */
function names(payload: Buffer, digest: string): boolean {
  try {
    const { critical } = JSON.parse(payload.toString()) as {
      critical?: { type?: unknown; image?: { "docker-manifest-digest"?: unknown } };
    };
    return (
      critical?.type === "cosign container image signature" &&
      critical.image?.["docker-manifest-digest"] === digest
    );
  } catch {
    return false;
  }
}
