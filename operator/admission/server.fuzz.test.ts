import assert from "node:assert/strict";
import { request } from "node:https";
import { test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import fc from "fast-check";
import pino from "pino";
import { fuzzServer } from "../../kube/testing/fuzz-server.ts";
import { issueCertificate } from "./issue.ts";
import { serveAdmission } from "./server.ts";

const part = fc.oneof(
  fc.json(),
  fc.constantFrom("[".repeat(50_000), '{"metadata":{"name":"n"}}', '{"metadata":{"labels":[]}}'),
);
const aReview = {
  ...{ uid: '"u"', operation: '"UPDATE"', kind: '{"group":"guardbee.io","kind":"RegoPolicy"}' },
  ...{ object: '{"metadata":{"name":"n"}}', oldObject: "null" },
};
const posted = fc.tuple(fc.constantFrom(...Object.keys(aReview)), part).map(([key, value]) => {
  const fields = Object.entries({ ...aReview, [key]: value });
  const request = fields.map(([name, text]) => `"${name}":${text}`).join();
  const body = `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{${request}}}`;
  const headers = [
    ...["POST /validate?timeout=5s HTTP/1.1", "host: x", "content-type: application/json"],
    ...[`content-length: ${Buffer.byteLength(body)}`, "", ""],
  ];
  return Buffer.from(headers.join("\r\n") + body);
});

test("the webhook answers /validate whatever was sent before, in or in place of TLS", async (t) => {
  const stop = new AbortController();
  t.after(() => stop.abort());
  let admitted = 0;
  const logged: string[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => logged.push(line) });
  const server = await serveAdmission(
    {
      ...{ port: 0, host: "127.0.0.1", ready: () => true, clock: new ManualClock(), log },
      admit: async () => {
        admitted++;
        return { allowed: true, warnings: [] };
      },
    },
    stop.signal,
  );
  const times = { nowMs: Date.now(), validMs: 86_400_000 };
  const { ca, ...issued } = await issueCertificate(["127.0.0.1"], times);
  server.serve({ ca, ...issued });
  const options = { host: "127.0.0.1", port: server.port, ca, path: "/validate", method: "POST" };
  const status = () =>
    new Promise((resolve, reject) => {
      request(options, (answer) => resolve(answer.resume().statusCode))
        .on("error", reject)
        .end();
    });
  const served = { paths: ["/validate", "/validate?timeout=5s"], requests: posted };
  await fuzzServer({ port: server.port, tls: "handshake" }, served, async () => {
    assert.equal(await status(), 415);
  });
  assert.deepEqual(logged, []);
  assert.ok(admitted > 0);
});
