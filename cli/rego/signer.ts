import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { VerificationKey } from "@guardbee/operator/offline";
import { UsageError } from "../command.ts";

/** Who signs a bundle, and the key that its RegoPolicy then checks it with. */
export type Signer = { readonly file: string; readonly key: VerificationKey };

export type SignerOptions = {
  readonly cwd: string;
  /** Default: what goes with the key. */
  readonly algorithm: string | undefined;
  /** What the RegoPolicy has the public key by. */
  readonly id: string;
};

/** The signer with the private key in a PEM file. UsageError when there is none in it. */
export async function readSigner(path: string, options: SignerOptions): Promise<Signer> {
  const { cwd, algorithm, id } = options;
  const file = resolve(cwd, path);
  let key: KeyObject;
  try {
    key = createPrivateKey(await readFile(file));
  } catch (error) {
    throw new UsageError(
      `--signing-key ${path}: holds no private key: ${(error as Error).message}`,
    );
  }
  const publicKey = createPublicKey(key).export({ type: "spki", format: "pem" }).toString();
  const chosen = (algorithm ?? algorithmOf(path, key)) as VerificationKey["algorithm"];
  return { file, key: { id, algorithm: chosen, publicKey } };
}

/** As RFC 7518 pairs curves and algorithms. */
const byCurve: Readonly<Record<string, VerificationKey["algorithm"]>> = {
  ...{ prime256v1: "ES256", secp384r1: "ES384", secp521r1: "ES512" },
};

function algorithmOf(path: string, key: KeyObject): VerificationKey["algorithm"] {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "rsa") return "RS256";
  if (type === "ed25519") return "EdDSA";
  const found = type === "ec" ? byCurve[details?.namedCurve ?? ""] : undefined;
  if (found !== undefined) return found;
  const what = `is a key of type ${type}`;
  throw new UsageError(`--signing-key ${path}: ${what}; give an ECDSA, RSA or Ed25519 key`);
}
