import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { connect, createServer } from "node:tls";
import { issueCertificate } from "./issue.ts";

const dayMs = 86_400_000;
const times = { nowMs: Date.parse("2026-01-01T00:00:00Z"), validMs: 90 * dayMs };

test("a certificate is its CA's, for these hosts, for this long, and only to serve with", async () => {
  const { ca, certificate, issuedAtMs, expiresAtMs } = await issueCertificate(
    ["guardbee-operator.guardbee-system.svc", "127.0.0.1"],
    times,
  );
  const [issuer, issued] = [new X509Certificate(ca), new X509Certificate(certificate)];
  assert.ok(issued.verify(issuer.publicKey) && issued.checkIssued(issuer));
  assert.deepEqual([issuer.ca, issued.ca], [true, false]);
  assert.equal(
    issued.subjectAltName,
    "DNS:guardbee-operator.guardbee-system.svc, IP Address:127.0.0.1",
  );
  assert.deepEqual(issued.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
  assert.equal(issued.validTo, "Apr  1 00:00:00 2026 GMT");
  assert.equal(issued.validFrom, "Dec 31 23:00:00 2025 GMT"); // for a clock that is behind
  assert.deepEqual([issuedAtMs, expiresAtMs - issuedAtMs], [times.nowMs, times.validMs]);
});

test("two CAs in one bundle: a client takes either certificate, and no third", async () => {
  const issue = (nowMs: number) => issueCertificate(["127.0.0.1"], { ...times, nowMs });
  const now = Date.now();
  const [a, b, c] = [await issue(now - dayMs), await issue(now), await issue(now)];
  const results = [];
  for (const { certificate, key } of [a, b, c]) {
    const server = createServer({ cert: certificate, key }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const client = connect({ host: "127.0.0.1", port, ca: a.ca + b.ca });
    results.push(
      await new Promise((resolve) => {
        client.once("secureConnect", () => resolve("trusted"));
        client.once("error", (error) => resolve((error as NodeJS.ErrnoException).code));
      }),
    );
    client.destroy();
    server.close();
  }
  assert.deepEqual(results, ["trusted", "trusted", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"]);
});
