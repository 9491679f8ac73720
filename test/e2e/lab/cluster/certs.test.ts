import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ensureAuthority, ensureCert, kubeletCert } from "./certs.ts";

const dir = mkdtempSync(join(tmpdir(), "guardbee-certs-"));
after(() => rmSync(dir, { recursive: true }));

test("a kubelet's certificate carries the node's identity and address", () => {
  ensureAuthority(dir);
  ensureCert(dir, kubeletCert("node-7", 7));
  const read = (name: string) => new X509Certificate(readFileSync(join(dir, `${name}.crt`)));
  const cert = read("kubelet-node-7");
  assert.equal(cert.subject, "O=system:nodes\nCN=system:node:node-7");
  assert.equal(cert.subjectAltName, "DNS:node-7, IP Address:10.77.1.7");
  assert.deepEqual(cert.keyUsage, ["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"]);
  assert.ok(cert.verify(read("ca").publicKey));
});
