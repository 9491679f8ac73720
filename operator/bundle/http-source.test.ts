import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { afterEach, test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import nock from "nock";
import { selfSigned } from "../../kube/testing/certificate.ts";
import { type BundleSource, defaultLimits } from "./bundle.ts";
import { contentDigest } from "./content-digest.ts";
import { type FetchOptions, fetchBundle } from "./fetch-bundle.ts";
import { soundEntries, tarballOf } from "./testing/tarball.ts";
import { egressOfTest, startWebServer, type WebServer } from "./testing/web-server.ts";

const tarball = await tarballOf(soundEntries());
const never = new AbortController().signal;
const servers: WebServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  nock.cleanAll();
});

async function serve(handle: RequestListener, tls?: Parameters<typeof startWebServer>[1]) {
  const server = await startWebServer(handle, tls);
  servers.push(server);
  return server;
}

const serveBundle: RequestListener = (_, response) => {
  response.writeHead(200, { etag: '"v1"' }).end(tarball);
};

function get(
  source: Omit<Extract<BundleSource, { kind: "http" }>, "kind">,
  options: Partial<FetchOptions> = {},
) {
  const defaults = {
    limits: defaultLimits,
    timeoutMs: 60_000,
    egress: egressOfTest,
    signal: never,
  };
  return fetchBundle({ kind: "http", ...source }, { ...defaults, ...options });
}

test("a bundle is fetched once and, by its etag, not again", async () => {
  const { origin, requests } = await serve((request, response) => {
    if (request.headers["if-none-match"] !== '"v1"') return serveBundle(request, response);
    response.writeHead(304).end();
  });
  const first = await get({ url: `${origin}/b.tar.gz` });
  assert.deepEqual(first, {
    kind: "bundle",
    etag: '"v1"',
    bundle: {
      revision: "r1",
      digest: contentDigest(tarball),
      modules: [{ path: "shop/policy.rego", text: "package shop\n\npaths := data.shop.paths\n" }],
      data: { shop: { paths: ["/tmp/a"] } },
      roots: ["shop"],
    },
  });
  const again = await get({ url: `${origin}/b.tar.gz` }, { etag: '"v1"' });
  assert.deepEqual(again, { kind: "unchanged", etag: '"v1"' });
  assert.deepEqual(
    requests.map(({ headers }) => headers["accept-encoding"]),
    ["identity", "identity"],
  );
});

test("an answer 304 that nobody asked for is no success", async () => {
  const { origin } = await serve((_, response) => response.writeHead(304).end());
  await assert.rejects(get({ url: `${origin}/b` }), {
    reason: "Unreachable",
    message: `${origin}/b: answers 304; check the server`,
  });
});

test("credentials are sent as a bearer token, or else as user and password", async () => {
  const { origin, requests } = await serve(serveBundle);
  await get({ url: origin, credentials: { token: "t0ken\n", username: "u" } });
  await get({ url: origin, credentials: { username: "u", password: "p" } });
  await get({ url: origin });
  assert.deepEqual(
    requests.map(({ headers }) => headers.authorization),
    ["Bearer t0ken", "Basic dTpw", undefined],
  );
});

test("redirects are followed, and credentials stay with the origin", async () => {
  const other = await serve((request, response) => {
    if (request.url === "/back") response.writeHead(302, { location: `${home.origin}/end` }).end();
    else serveBundle(request, response);
  });
  const home = await serve((request, response) => {
    const to: Record<string, string> = { "/start": "/next", "/next": `${other.origin}/back` };
    const location = to[request.url!];
    if (location === undefined) serveBundle(request, response);
    else response.writeHead(307, { location }).end();
  });
  const fetched = await get({ url: `${home.origin}/start`, credentials: { token: "t" } });
  assert.equal(fetched.kind, "bundle");
  const sent = (server: WebServer) =>
    server.requests.map(({ url, headers }) => [url, headers.authorization]);
  assert.deepEqual(sent(home), [
    ["/start", "Bearer t"],
    ["/next", "Bearer t"],
    ["/end", undefined], // another server chose this request
  ]);
  assert.deepEqual(sent(other), [["/back", undefined]]);
});

const badRedirects: readonly { name: string; location: string; want: string }[] = [
  {
    name: "without end",
    location: "/loop",
    want: "more than 5 redirects; use the address that they lead to",
  },
  {
    name: "to a file",
    location: "file:///etc/passwd",
    want: "redirects to what is neither https: nor http:; use another address",
  },
  {
    name: "whose scheme is text of the server",
    location: "read-this:/and-this",
    want: "redirects to what is neither https: nor http:; use another address",
  },
  {
    name: "to a URL with credentials",
    location: "http://u:p@127.0.0.1/",
    want: "redirects to a URL with credentials; use another address",
  },
  {
    name: "to nowhere",
    location: "http://",
    want: "redirects to what is no URL; use another address",
  },
];
for (const { name, location, want } of badRedirects) {
  test(`a redirect ${name} is refused`, async () => {
    const { origin } = await serve((_, response) => response.writeHead(302, { location }).end());
    await assert.rejects(get({ url: `${origin}/loop` }), {
      reason: "Unreachable",
      message: `${origin}/loop: ${want}`,
    });
  });
}

test("a redirect from TLS to plain HTTP is refused", async () => {
  nock("https://bundles.example")
    .get("/b")
    .reply(302, "", { location: "http://bundles.example/b" });
  await assert.rejects(get({ url: "https://bundles.example/b" }), {
    reason: "Unreachable",
    message: "https://bundles.example/b: redirects from https: to http:; use another address",
  });
});

const badUrls: readonly { url: string; want: string }[] = [
  { url: "bundle", want: "bundle URL: is no URL; write https://host/bundle.tar.gz" },
  {
    url: "file:///etc/passwd",
    want: "file:/etc/passwd: is file:; only https: and http: are fetched",
  },
  { url: "data:,x", want: "data:,x: is data:; only https: and http: are fetched" },
  {
    url: "https://u:secret@host/b?sig=1",
    want: "https://host/b: has credentials in it; put them in the Secret",
  },
];
for (const { url, want } of badUrls) {
  test(`the URL ${url} is refused`, async () => {
    await assert.rejects(get({ url }), { reason: "InvalidSource", message: want });
  });
}

test("a pinned digest is held to", async () => {
  const { origin } = await serve(serveBundle);
  const digest = contentDigest(tarball);
  assert.equal((await get({ url: origin, digest })).kind, "bundle");
  const other = `sha256:${"0".repeat(64)}`;
  await assert.rejects(get({ url: origin, digest: other }), {
    reason: "DigestMismatch",
    message: `${origin}/: has the digest ${digest} and not ${other}; pin the new one, or find out who changed it`,
  });
  await assert.rejects(get({ url: origin, digest: "md5:1" }), {
    reason: "InvalidSource",
    message: `${origin}/: "md5:1" is no digest; write sha256: and 64 hex digits`,
  });
});

test("a server that is down is named, with what failed", async () => {
  const { origin, close } = await startWebServer(serveBundle);
  await close();
  await assert.rejects(get({ url: `${origin}/b?token=secret` }), {
    reason: "Unreachable",
    message: `${origin}/b: ECONNREFUSED; check address and server`,
  });
});

test("a status that is no success is named, and Retry-After kept, in both its forms", async () => {
  const clock = new ManualClock(Date.parse("2026-01-01T00:00:00Z"));
  const answers: [number, string, string][] = [
    [503, "120", "check the server"],
    [429, "Thu, 01 Jan 2026 00:00:30 GMT", "check the server"],
    [503, "999999", "check the server"],
    [401, "soon", "check the credentials"],
    [404, "", "check the address"],
  ];
  let next = 0;
  const { origin } = await serve((_, response) => {
    const [status, after] = answers[next++]!;
    response.writeHead(status, { "retry-after": after }).end("<b>internal</b>");
  });
  const failures = [];
  for (const [status, , fix] of answers) {
    const failure = await get({ url: origin }, { clock }).catch((error) => error);
    assert.equal(failure.message, `${origin}/: answers ${status}; ${fix}`);
    failures.push(failure.retryAfterMs);
  }
  assert.deepEqual(failures, [120_000, 30_000, 3_600_000, undefined, undefined]);
});

test("a body that is larger than allowed ends at the limit, declared or not", async () => {
  const limits = { ...defaultLimits, compressedBytes: 10_000 };
  const declared = await serve((_, response) => {
    response.writeHead(200, { "content-length": 10_001 }).flushHeaders();
  });
  await assert.rejects(get({ url: declared.origin }, { limits }), {
    reason: "TooLarge",
    message: `${declared.origin}/: has 10001 bytes, at most 10000 are allowed; leave out what the policy does not need`,
  });
  const endless = await serve((request, response) => {
    const write = () => {
      while (response.write(Buffer.alloc(4_096)));
    };
    response.on("drain", write);
    request.on("close", () => response.destroy());
    write();
  });
  await assert.rejects(get({ url: endless.origin }, { limits }), {
    reason: "TooLarge",
    message: `${endless.origin}/: has more than 10000 bytes, at most 10000 are allowed; leave out what the policy does not need`,
  });
});

test("a server that never answers is given up after the silence allowed", async () => {
  const clock = new ManualClock();
  const { origin } = await serve(() => {});
  const failure = get({ url: origin }, { clock, idleMs: 5_000 }).catch((error) => error);
  await clock.asleep(2); // for silence, and for everything
  await clock.advance(5_000);
  const { reason, message } = await failure;
  assert.deepEqual(
    [reason, message],
    ["Unreachable", `${origin}/: is silent for 5000 ms; try later`],
  );
});

test("where a server redirects to is not told by what goes wrong there", async () => {
  const inside = await serve((request, response) => {
    if (request.url === "/gone/secret") request.socket.destroy();
    else if (request.url === "/zipped/secret") response.setHeader("content-encoding", "br").end();
    else response.writeHead(302, { location: "http://" }).end();
  });
  for (const what of ["gone", "zipped", "on"]) {
    const home = await serve((_, response) =>
      response.writeHead(302, { location: `${inside.origin}/${what}/secret` }).end(),
    );
    const error: Error = await get({ url: `${home.origin}/b` }).catch((reason) => reason);
    assert.ok(error.message.startsWith(`${home.origin}/b: `), error.message);
    assert.doesNotMatch(error.message, /secret/);
  }
});

test("a server that stops in the middle is given up too", async () => {
  const clock = new ManualClock();
  const reading = Promise.withResolvers<void>();
  const { origin } = await serve((_, response) => {
    response.writeHead(200);
    response.write(tarball.subarray(0, 10), () => reading.resolve());
  });
  const failure = get({ url: origin }, { clock, idleMs: 5_000 }).catch((error) => error);
  let settled = false;
  failure.finally(() => {
    settled = true;
  });
  await reading.promise;
  while (!settled) await clock.advance(5_000); // each piece that came starts the wait again
  assert.equal((await failure).message, `${origin}/: is silent for 5000 ms; try later`);
});

test("a server that trickles is given up when the time for everything is over", async () => {
  const clock = new ManualClock();
  const { origin } = await serve((_, response) => {
    response.writeHead(200).flushHeaders();
    const trickle = setInterval(() => response.write("x"), 1);
    response.on("close", () => clearInterval(trickle));
  });
  const failure = get({ url: origin }, { clock, idleMs: 1e9, timeoutMs: 60_000 }).catch(
    (error) => error,
  );
  await clock.asleep(2);
  await clock.advance(60_000);
  const { reason, message } = await failure;
  assert.deepEqual(
    [reason, message],
    ["Unreachable", "http source: no bundle within 60000 ms; try later, or serve a smaller one"],
  );
});

test("a connection that breaks is Unreachable", async () => {
  const { origin } = await serve((_, response) => {
    response.writeHead(200, { "content-length": 1_000 }).write("x", () => response.destroy());
  });
  await assert.rejects(get({ url: origin }), { reason: "Unreachable" });
});

test("an abort from outside rejects with its reason", async () => {
  const stop = new AbortController();
  const { origin } = await serve(() => stop.abort("stopping"));
  await assert.rejects(
    get({ url: origin }, { signal: stop.signal }),
    (error) => error === "stopping",
  );
});

test("garbage is NotABundle, and what it says is not repeated", async () => {
  const { origin } = await serve((_, response) => response.end("<html>internal page</html>"));
  await assert.rejects(get({ url: origin }), {
    reason: "NotABundle",
    message: "bundle: is not gzip (incorrect header check); serve the file that opa build writes",
  });
});

test("a body with a content encoding is refused, because its digest would be another", async () => {
  nock("https://bundles.example").get("/b").reply(200, tarball, { "content-encoding": "br" });
  await assert.rejects(get({ url: "https://bundles.example/b" }), {
    reason: "NotABundle",
    message: "https://bundles.example/b: is sent with Content-Encoding; serve the file as it is",
  });
});

test("a private authority is trusted when it is given, and only then", async () => {
  const { key, cert: ca } = selfSigned();
  const { origin } = await serve(serveBundle, { key, cert: ca });
  assert.equal((await get({ url: origin, ca })).kind, "bundle");
  await assert.rejects(get({ url: origin }), {
    reason: "Unreachable",
    message: `${origin}/: DEPTH_ZERO_SELF_SIGNED_CERT; check address and server`,
  });
  const another = selfSigned().cert;
  await assert.rejects(get({ url: origin, ca: another }), { reason: "Unreachable" });
  assert.equal((await get({ url: origin, ca: `${another}${ca}` })).kind, "bundle");
});

test("an authority that is no certificate is refused", async () => {
  const { origin } = await serve(serveBundle);
  const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  await assert.rejects(get({ url: origin, ca: "ca.crt" }), {
    reason: "InvalidSource",
    message: "bundle ca: has no certificate in PEM; paste the authority's ca.crt",
  });
  await assert.rejects(get({ url: origin, ca: selfSigned().cert + broken }), {
    reason: "InvalidSource",
    message: "bundle ca: has a certificate that is none; paste the authority's ca.crt",
  });
});
