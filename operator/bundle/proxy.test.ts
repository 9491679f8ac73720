import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import http, { type RequestListener } from "node:http";
import https from "node:https";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { inspect } from "node:util";
import { ManualClock } from "@guardbee/kube";
import { selfSigned } from "../../kube/testing/certificate.ts";
import { type BundleSource, defaultLimits } from "./bundle.ts";
import type { Egress } from "./egress.ts";
import { fetchBundle } from "./fetch-bundle.ts";
import { temporaryFolder } from "./testing/opa.ts";
import { soundEntries, tarballOf } from "./testing/tarball.ts";
import { startWebServer, type WebServer } from "./testing/web-server.ts";

// Most fetches are processes of their own: the authorities in the environment are read at the start.

const fetcher = `
import { fetchBundle } from ${JSON.stringify(join(import.meta.dirname, "fetch-bundle.ts"))};
import { defaultLimits } from ${JSON.stringify(join(import.meta.dirname, "bundle.ts"))};
const [url, digest] = process.argv.slice(2);
const egress = { option: "--bundle-hosts" };
const signal = new AbortController().signal;
const options = { egress, limits: defaultLimits, timeoutMs: 60_000, signal };
try {
  const source = { kind: "http", url, ...(digest === undefined ? {} : { digest }) };
  console.log((await fetchBundle(source, options)).kind);
} catch (error) {
  console.log(error.reason + ": " + error.message);
}`;

describe("a bundle behind a proxy", () => {
  const folder = temporaryFolder();
  const authority = join(folder, "ca.crt");
  const program = join(folder, "fetch.mjs");
  const asked: string[] = [];
  let tls: { readonly key: string; readonly cert: string };
  let target: WebServer;
  let plainProxy: http.Server;
  let tlsProxy: https.Server;

  /** Leads every tunnel to `target`, whatever name it was asked for: it looks names up, we do not. */
  const tunnel = ({ url, headers }: http.IncomingMessage, socket: Socket) => {
    asked.push(`${url} ${headers["proxy-authorization"] ?? ""}`.trim());
    const up = connect(Number(target.host.split(":")[1]), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      up.pipe(socket).pipe(up);
    });
    for (const one of [up, socket]) one.on("error", () => socket.destroy());
  };

  before(async () => {
    tls = selfSigned("bundles.example");
    writeFileSync(authority, tls.cert);
    writeFileSync(program, fetcher);
    const tarball = await tarballOf(soundEntries());
    const serve: RequestListener = (request, response) => {
      if (request.url?.startsWith("http:")) asked.push(request.url);
      response.end(tarball);
    };
    target = await startWebServer(serve, tls);
    plainProxy = http.createServer(serve).on("connect", tunnel).listen(0, "127.0.0.1");
    tlsProxy = https.createServer(tls, serve).on("connect", tunnel).listen(0, "127.0.0.1");
    await Promise.all([once(plainProxy, "listening"), once(tlsProxy, "listening")]);
  });
  after(async () => {
    for (const server of [plainProxy, tlsProxy]) {
      server.closeAllConnections();
      server.close();
    }
    await target.close();
  });

  const portOf = (server: http.Server | https.Server) => (server.address() as AddressInfo).port;

  async function fetched(url: string, env: Readonly<Record<string, string>>) {
    asked.length = 0;
    const { PATH = "" } = process.env;
    const child = spawn(process.execPath, [program, url], {
      env: { PATH, NODE_EXTRA_CA_CERTS: authority, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [out] = await Promise.all([
      child.stdout.setEncoding("utf8").toArray(),
      once(child, "close"),
    ]);
    return { said: out.join("").trim(), asked: [...asked] };
  }

  test("comes through HTTPS_PROXY, with its user, whose authority NODE_EXTRA_CA_CERTS names", async () => {
    const HTTPS_PROXY = `http://user:pass@127.0.0.1:${portOf(plainProxy)}`;
    assert.deepEqual(await fetched("https://bundles.example/b", { HTTPS_PROXY }), {
      said: "bundle",
      asked: [`bundles.example:443 Basic ${Buffer.from("user:pass").toString("base64")}`],
    });
  });

  test("comes through a proxy that speaks TLS itself", async () => {
    const https_proxy = `https://127.0.0.1:${portOf(tlsProxy)}`;
    assert.deepEqual(await fetched("https://bundles.example/b", { https_proxy }), {
      said: "bundle",
      asked: ["bundles.example:443"],
    });
  });

  test("is refused when nobody vouches for the proxy that opens TLS", async () => {
    const env = { HTTPS_PROXY: `http://127.0.0.1:${portOf(plainProxy)}`, NODE_EXTRA_CA_CERTS: "" };
    assert.match(
      (await fetched("https://bundles.example/b", env)).said,
      /^Unreachable: .*SELF_SIGNED/,
    );
  });

  test("comes past the proxy where NO_PROXY says so, and is held to addresses there", async () => {
    const HTTPS_PROXY = `http://127.0.0.1:${portOf(plainProxy)}`;
    const { said, asked } = await fetched("https://localhost:9/b", {
      HTTPS_PROXY,
      NO_PROXY: "localhost",
    });
    assert.match(said, /^InvalidSource: .*: is at an address that bundles do not come from/);
    assert.deepEqual(asked, []);
  });

  test("is not asked of the proxy when the URL has an address of this machine", async () => {
    const HTTPS_PROXY = `http://127.0.0.1:${portOf(plainProxy)}`;
    const { said, asked } = await fetched("https://169.254.169.254/b", { HTTPS_PROXY });
    assert.match(said, /^InvalidSource: /);
    assert.deepEqual(asked, []);
  });

  test("is Unreachable when the proxy is", async () => {
    const { said } = await fetched("https://bundles.example/b", {
      HTTPS_PROXY: "http://127.0.0.1:9",
    });
    assert.equal(
      said,
      "Unreachable: https://bundles.example/b: ECONNREFUSED; check address and server",
    );
  });
});

/** Behind a proxy that does with each connection what `on` says. */
async function behindProxy(t: TestContext, on: (socket: Socket) => void) {
  const proxy = createServer((socket) => on(socket.on("error", () => {}))).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const address = `http://user:passw0rd@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  for (const name of ["HTTPS_PROXY", "HTTP_PROXY"]) process.env[name] = address;
  t.after(() => {
    for (const name of ["HTTPS_PROXY", "HTTP_PROXY"]) delete process.env[name];
    proxy.close();
  });
  const clock = new ManualClock();
  const fetching = (url: string): Promise<Error> => {
    const source: BundleSource = { kind: "http", url, digest: `sha256:${"0".repeat(64)}` };
    const bounds = { limits: defaultLimits, timeoutMs: 60_000, idleMs: 5_000, clock };
    const egress: Egress = { option: "--bundle-hosts" };
    const { signal } = new AbortController();
    return fetchBundle(source, { ...bounds, egress, signal }).then(
      () => assert.fail("there is no bundle"),
      (error: Error) => error,
    );
  };
  return { clock, fetching };
}

for (const scheme of ["http", "https"]) {
  test(`a proxy that is silent about ${scheme} is given up, and its connection closed`, async (t) => {
    const asked = Promise.withResolvers<Socket>();
    const { clock, fetching } = await behindProxy(t, (socket) => {
      socket.once("data", () => asked.resolve(socket));
    });
    const failure = fetching(`${scheme}://bundles.example/b`);
    const closed = once(await asked.promise, "close");
    await clock.advance(5_000);
    const { message } = await failure;
    assert.equal(message, `${scheme}://bundles.example/b: is silent for 5000 ms; try later`);
    await closed;
  });
}

test("what a proxy refuses is told without what it said and without its password", async (t) => {
  const { fetching } = await behindProxy(t, (socket) => {
    socket.once("data", () => socket.end("HTTP/1.1 403 no-entry\r\n\r\n"));
  });
  const error = await fetching("https://bundles.example/b");
  assert.equal(
    error.message,
    "https://bundles.example/b: the proxy opens no way to it; check HTTPS_PROXY, NO_PROXY and the proxy's rules",
  );
  assert.doesNotMatch(inspect(error), /passw0rd|no-entry/);
});
