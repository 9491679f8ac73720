import "reflect-metadata"; // @peculiar/x509 does not load without it
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  X509CertificateGenerator,
} from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export type Pem = { readonly certificate: string; readonly key: string };

/** A CA, and what signs certificates of clients (or of servers only) by it. */
export async function createClientCa(): Promise<{
  readonly ca: string;
  readonly issue: (commonName: string, usage?: "client" | "server") => Promise<Pem>;
}> {
  const span = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3.6e6) };
  const caKeys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const ca = await X509CertificateGenerator.createSelfSigned({
    ...{ ...span, name: "CN=clients", keys: caKeys, signingAlgorithm: algorithm },
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
  });
  return {
    ca: ca.toString("pem"),
    async issue(commonName, usage = "client") {
      const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
      const purpose =
        usage === "client" ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth;
      const certificate = await X509CertificateGenerator.create({
        ...{ ...span, subject: `CN=${commonName}`, issuer: ca.subject },
        ...{
          publicKey: keys.publicKey,
          signingKey: caKeys.privateKey,
          signingAlgorithm: algorithm,
        },
        extensions: [new ExtendedKeyUsageExtension([purpose])],
      });
      const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
      return {
        certificate: certificate.toString("pem"),
        key: PemConverter.encode(key, "PRIVATE KEY"),
      };
    },
  };
}
