import { X509Certificate } from "node:crypto";
import { BundleError } from "./bundle-error.ts";

const block = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** InvalidSource unless `ca` is one certificate or more in PEM, which TLS would ignore without a word. */
export function assertAuthorities(ca: string): void {
  const blocks = ca.match(block) ?? [];
  if (blocks.length > 0 && blocks.every(isCertificate)) return;
  const what = blocks.length === 0 ? "has no certificate in PEM" : "has a certificate that is none";
  throw new BundleError("InvalidSource", `bundle ca: ${what}; paste the authority's ca.crt`);
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}
