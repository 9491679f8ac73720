import assert from "node:assert/strict";
import dns from "node:dns";
import { afterEach, mock, test } from "node:test";
import { type BundleSource, defaultLimits } from "./bundle.ts";
import type { Egress } from "./egress.ts";
import { fetchBundle } from "./fetch-bundle.ts";
import { soundEntries, tarballOf } from "./testing/tarball.ts";
import { startWebServer, type WebServer } from "./testing/web-server.ts";

// Which addresses a listed name may lead to: what is connected to counts, whatever the name says.

const tarball = await tarballOf(soundEntries());
const servers: WebServer[] = [];
afterEach(async () => {
  addresses = undefined;
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(): Promise<WebServer & { readonly port: string }> {
  const server = await startWebServer((_, response) => response.end(tarball));
  servers.push(server);
  return { ...server, port: server.host.split(":")[1]! };
}

/** What names resolve to; undefined: what they do. Written by resolveTo. */
let addresses: readonly string[] | undefined;
const lookup = dns.lookup as (...asked: unknown[]) => unknown;
/** The only thing that cannot be had for real here: a name server of an attacker. */
mock.method(dns, "lookup", (...asked: unknown[]) => {
  if (addresses === undefined) return lookup(...asked);
  const all = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  (asked[2] as (error: null, all: unknown) => void)(null, all);
});

function resolveTo(...to: readonly string[]): void {
  addresses = to;
}

const digest = `sha256:${"0".repeat(64)}`;

function get(url: string, hosts: Egress["hosts"]) {
  const source: BundleSource = { kind: "http", url, digest };
  const egress: Egress = { hosts, option: "--bundle-hosts" };
  const signal = new AbortController().signal;
  return fetchBundle(source, { egress, limits: defaultLimits, timeoutMs: 60_000, signal });
}

const inside = (url: string) => ({
  reason: "InvalidSource",
  message: `${url}: is at an address that bundles do not come from unless it is listed; use a ConfigMap or another host, or have the host added to the operator's --bundle-hosts`,
});
/** The server answered: it was asked, and its bundle is not the one that is pinned. */
const reached = { reason: "DigestMismatch" };

const loopbackNames = ["127.0.0.1", "::ffff:127.0.0.1"];
for (const address of loopbackNames) {
  test(`a name that leads to ${address} is asked when it is listed by name, and not otherwise`, async () => {
    const { port, requests } = await serve();
    resolveTo(address);
    const url = `http://evil.example:${port}/b`;
    await assert.rejects(get(url, undefined), inside(url));
    await assert.rejects(get(url, [`*.example:${port}`]), inside(url));
    assert.equal(requests.length, 0);
    await assert.rejects(get(url, [`evil.example:${port}`]), reached);
    assert.equal(requests.length, 1);
  });
}

test("one bad address among good ones is enough", async () => {
  const { port } = await serve();
  resolveTo("93.184.216.34", "127.0.0.1");
  const url = `http://evil.example:${port}/b`;
  await assert.rejects(get(url, undefined), inside(url));
});

test("a private address is for names that are listed, or where no list is", async () => {
  resolveTo("10.255.255.1");
  const url = "http://registry.corp.example:9/b";
  await assert.rejects(get(url, ["*.corp.example:9"]), inside(url));
});

test("the cloud's metadata is not for a name, listed or not", async () => {
  for (const address of ["169.254.169.254", "fd00:ec2::254", "0.0.0.0"]) {
    resolveTo(address);
    const url = "http://evil.example/b";
    for (const hosts of [undefined, ["*.example"], ["evil.example"]]) {
      await assert.rejects(get(url, hosts), inside(url), `${address} ${hosts}`);
    }
  }
});

test("an address in the URL needs no name server, and is refused as well", async () => {
  const { port } = await serve();
  for (const host of ["127.0.0.1", "0x7f000001", "[::ffff:7f00:1]", "[::1]", "169.254.169.254"]) {
    const url = new URL(`http://${host}:${port}/b`).href;
    await assert.rejects(get(url, undefined), inside(url));
  }
  await assert.rejects(get(`http://127.0.0.1:${port}/b`, [`127.0.0.1:${port}`]), reached);
});
