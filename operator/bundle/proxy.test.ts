import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import http, { type RequestListener } from "node:http";
import https from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { selfSigned } from "./testing/certificate.ts";
import { temporaryFolder } from "./testing/opa.ts";
import { soundEntries, tarballOf } from "./testing/tarball.ts";
import { startWebServer, type WebServer } from "./testing/web-server.ts";

// Each fetch is a process of its own: the environment, and the authorities in it, are read at its start.

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
