import "reflect-metadata"; // @peculiar/x509 does not load without it
import type { webcrypto } from "node:crypto";
import { isIP } from "node:net";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { Issuance } from "./issuances.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
/** The API server's clock may be behind ours. */
const skewMs = 3_600_000;

/**
 * A serving certificate for `hosts` (DNS names or IP addresses), and the CA that signed it. The CA's
 * key is forgotten: it signs this one certificate, so nobody can steal it afterwards.
 */
export async function issueCertificate(
  hosts: readonly string[],
  times: { readonly nowMs: number; readonly validMs: number },
): Promise<Issuance> {
  const { nowMs, validMs } = times;
  const span = { notBefore: new Date(nowMs - skewMs), notAfter: new Date(nowMs + validMs) };
  const [caKeys, keys] = [await createKeys(), await createKeys()];
  const ca = await X509CertificateGenerator.createSelfSigned({
    ...span,
    // By time: two CAs are in one bundle, and a verifier looks for an issuer by its name first.
    name: `CN=guardbee-webhook-ca@${nowMs}`,
    keys: caKeys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      await SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const certificate = await X509CertificateGenerator.create({
    ...span,
    subject: "CN=guardbee-webhook",
    issuer: ca.subject,
    publicKey: keys.publicKey,
    signingKey: caKeys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        hosts.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value }) as const),
      ),
      await AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + validMs,
    ca: pem(ca),
    certificate: pem(certificate),
    key: `${PemConverter.encode(key, "PRIVATE KEY")}\n`,
  };
}

function createKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

function pem(certificate: X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}
