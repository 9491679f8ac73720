import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:https";
import { connect as connectTcp } from "node:net";
import { after, before, test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import fc from "fast-check";
import pino from "pino";
import type { Judgement } from "../judge/judgement.ts";
import { admit, type Judge } from "./admit.ts";
import { issueCertificate } from "./issue.ts";
import { type AdmissionServer, serveAdmission } from "./server.ts";

const stop = new AbortController();
const clock = new ManualClock();
let server: AdmissionServer;
let ca: string;
let ready = true;
let judge: Judge;

before(async () => {
  const times = { nowMs: Date.now(), validMs: 86_400_000 };
  const issued = await issueCertificate(["127.0.0.1"], times);
  ca = issued.ca;
  server = await serveAdmission(
    {
      ...{ port: 0, host: "127.0.0.1", ready: () => ready, clock, log: pino({ level: "silent" }) },
      admit: (review, signal) => admit(review, (...args) => judge(...args), signal),
    },
    stop.signal,
  );
  server.serve(issued);
});
after(() => stop.abort());

type Sent = { path?: string; method?: string; type?: string; body?: string | Buffer };

function send({ path = "/validate?timeout=5s", method = "POST", ...rest }: Sent): Promise<string> {
  const { type = "application/json", body = "" } = rest;
  return new Promise((resolve, reject) => {
    const headers = { "content-type": type };
    const options = { host: "127.0.0.1", port: server.port, ca, path, method, headers };
    const sent = request(options, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve(`${response.statusCode} ${text.trim()}`);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const accepting: Judge = async () => ({ kind: "accepted", notes: [] }) as unknown as Judgement;

function aReview(more: object = {}): string {
  const object = { metadata: { name: "p" }, spec: {} };
  const kind = { group: "cilium.io", version: "v1alpha1", kind: "TracingPolicy" };
  const asked = { uid: "u", operation: "CREATE", kind, object, ...more };
  return JSON.stringify({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: asked,
  });
}

const answered = (response: object) =>
  `200 ${JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response })}`;

test("a review is answered under its uid", async () => {
  judge = accepting;
  assert.equal(await send({ body: aReview() }), answered({ uid: "u", allowed: true }));
  const problem = { field: "spec.x", what: "is bad", fix: "drop it", kind: "invalid" } as const;
  judge = async () => ({ kind: "refused", reason: "InvalidSpec", problems: [problem] });
  const status = { code: 422, reason: "Invalid", message: "spec.x: is bad; drop it" };
  const answer = answered({ uid: "u", allowed: false, status });
  assert.equal(await send({ body: aReview() }), answer);
});

test("a name that the API server has yet to generate is no problem", async () => {
  let name = "";
  judge = async ({ object }) => {
    name = object.metadata.name;
    return accepting(...([] as unknown as Parameters<Judge>));
  };
  await send({ body: aReview({ object: { metadata: { generateName: "p-" }, spec: {} } }) });
  assert.equal(name, "p-00000");
});

const refused: readonly { name: string; sent: Sent; want: string }[] = [
  { name: "another path", sent: { path: "/" }, want: "404 not found" },
  { name: "another method", sent: { method: "GET" }, want: "405 POST only" },
  { name: "another type", sent: { type: "text/plain" }, want: "415 application/json only" },
  {
    name: "no JSON",
    sent: { body: "{" },
    want: "400 the body is no AdmissionReview of admission.k8s.io/v1",
  },
  {
    name: "an object without a name",
    sent: { body: aReview({ object: { metadata: {} } }) },
    want: "400 request.object: is no object with metadata",
  },
  {
    name: "a body over the limit",
    sent: { body: Buffer.alloc((3 << 20) + (256 << 10) + 1, " ") },
    want: "413 more than 3407872 bytes",
  },
];
for (const { name, sent, want } of refused) {
  test(`refused: ${name}`, async () => assert.equal(await send(sent), want));
}

test("before the cluster is known, there is no answer", async () => {
  ready = false;
  assert.equal(await send({ body: aReview() }), "503 not ready");
  ready = true;
});

test("a judge that does not end: allowed with a warning, within the webhook's time", async () => {
  judge = () => new Promise(() => {});
  const answer = send({ body: aReview() });
  await clock.asleep(1);
  await clock.advance(4_000);
  const warnings = ["not checked yet, see its status: took over 4000 ms"];
  assert.equal(await answer, answered({ uid: "u", allowed: true, warnings }));
});

test("more than eight requests at once: the rest is told so", async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  judge = async (...args) => {
    await held;
    return accepting(...args);
  };
  const first = Array.from({ length: 8 }, () => send({ body: aReview() }));
  await clock.asleep(8);
  assert.equal(await send({ body: aReview() }), "503 busy");
  release();
  const allowed = answered({ uid: "u", allowed: true });
  assert.deepEqual(await Promise.all(first), Array(8).fill(allowed));
});

test("garbage of any kind, in or without TLS, gets an answer or an end, and no crash", async () => {
  judge = accepting;
  const field = fc.oneof(fc.json(), fc.constant("[".repeat(200_000) + "]".repeat(200_000)));
  const review = fc.tuple(fc.constantFrom("object", "oldObject", "kind", "uid"), field);
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)),
    fc.json(),
    review.map(([key, value]) => aReview().replace('"uid":"u"', `"uid":"u","${key}":${value}`)),
  );
  await fc.assert(
    fc.asyncProperty(bodies, async (body) => {
      assert.match(await send({ body }), /^(200|400) /);
    }),
    { numRuns: 300 },
  );
  for (const bytes of ["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff", "\0".repeat(5_000)]) {
    const socket = connectTcp(server.port, "127.0.0.1");
    socket.on("error", () => {}); // a reset is an end as well
    socket.resume();
    socket.write(bytes, () => socket.destroySoon());
    await once(socket, "close");
  }
  assert.equal(await send({ body: aReview() }), answered({ uid: "u", allowed: true }));
});
