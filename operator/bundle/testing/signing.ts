import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { SignJWT } from "jose";
import type { VerificationKey } from "../bundle.ts";
import type { Entry } from "./tarball.ts";

/** A key pair, with the public half as a source names it. */
export type SigningKey = { readonly privateKey: KeyObject; readonly key: VerificationKey };

export function newSigningKey(id: string, algorithm: "RS256" | "ES256" = "ES256"): SigningKey {
  const { privateKey, publicKey } =
    algorithm === "ES256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = publicKey.export({ type: "spki", format: "pem" }) as string;
  return { privateKey, key: { id, algorithm, publicKey: pem } };
}

/** What a test may get wrong on purpose. */
export type SignOptions = {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  /** The signed list, from the true one. */
  readonly files?: (files: readonly SignedFile[]) => readonly unknown[];
};

export type SignedFile = {
  readonly name: string;
  readonly hash: string;
  readonly algorithm: string;
};

/**
 * The entries with a `.signatures.json` that lists them all. Structured files must be written
 * canonically; for real signatures there is testing/opa.ts.
 */
export async function signed(
  entries: readonly Entry[],
  by: SigningKey,
  options: SignOptions = {},
): Promise<readonly Entry[]> {
  const files = entries.map(({ name, content = "" }) => ({
    name: name.replace(/^\//, ""),
    hash: createHash("sha256").update(content).digest("hex"),
    algorithm: "SHA-256",
  }));
  const token = await new SignJWT({
    files: options.files?.(files) ?? files,
    ...options.claims,
  } as never)
    .setProtectedHeader({ alg: by.key.algorithm, kid: by.key.id, ...options.header })
    .sign(by.privateKey);
  return [
    ...entries,
    { name: "/.signatures.json", content: JSON.stringify({ signatures: [token] }) },
  ];
}
