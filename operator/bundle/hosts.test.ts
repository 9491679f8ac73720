import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { type BundleSource, defaultLimits } from "./bundle.ts";
import type { Egress } from "./egress.ts";
import { fetchBundle } from "./fetch-bundle.ts";
import { fetchOciBundle, registryOfTest } from "./testing/oci.ts";
import { soundEntries, tarballOf } from "./testing/tarball.ts";
import { startWebServer, type WebServer } from "./testing/web-server.ts";

// A list of hosts holds for every request: the first, redirects, token services.

const tarball = await tarballOf(soundEntries());
const signal = new AbortController().signal;
const { registryWith, closeAfter } = registryOfTest();
const servers: WebServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** Sends to `to` when it is given, else the bundle. */
async function serve(to?: string): Promise<WebServer> {
  const server = await startWebServer((_, response) => {
    if (to === undefined) response.end(tarball);
    else response.writeHead(302, { location: to }).end();
  });
  servers.push(server);
  return server;
}

const refused = (url: string, what: string) => ({
  reason: "InvalidSource",
  message: `${url}: ${what} a host that is not listed; use a ConfigMap or another host, or have the host added to the operator's --namespaced-bundle-hosts`,
});

const only = (hosts: readonly string[]): Egress => ({ hosts, option: "--namespaced-bundle-hosts" });

function get(url: string, hosts: readonly string[]) {
  const source: BundleSource = { kind: "http", url };
  return fetchBundle(source, {
    egress: only(hosts),
    limits: defaultLimits,
    timeoutMs: 60_000,
    signal,
  });
}

test("only a host of the list is asked", async () => {
  const { origin, host, requests } = await serve();
  assert.equal((await get(`${origin}/b`, ["bundles.example", host])).kind, "bundle");
  for (const hosts of [[], ["bundles.example"], ["127.0.0.1"]]) {
    await assert.rejects(get(`${origin}/b?token=x`, hosts), refused(`${origin}/b`, "is at"));
  }
  assert.equal(requests.length, 1);
});

test("a redirect leads to a host of the list alone, and does not say where else it would", async () => {
  const inside = await serve();
  const { origin, host } = await serve(`${inside.origin}/secret`);
  assert.equal((await get(`${origin}/b`, [host, inside.host])).kind, "bundle");
  await assert.rejects(get(`${origin}/b`, [host]), refused(`${origin}/b`, "redirects to"));
  assert.equal(inside.requests.length, 1);
});

test("a registry, and the token service that it names, are of the list", async () => {
  const tokens = await startWebServer((_, response) => response.end('{"token":"t"}'));
  closeAfter(tokens);
  const { server, push, reference } = await registryWith((request, response) => {
    if (request.headers.authorization === "Bearer t") return false;
    const challenge = `Bearer realm="${tokens.origin}/token"`;
    response.writeHead(401, { "www-authenticate": challenge }).end();
    return true;
  });
  push("v1", [{ content: tarball }]);
  const source = { reference: reference("v1") };
  const both = [server.host, tokens.host];
  assert.equal((await fetchOciBundle(source, { egress: only(both) })).kind, "bundle");
  const manifest = `${server.origin}/v2/team/policy/manifests/v1`;
  await assert.rejects(fetchOciBundle(source, { egress: only([]) }), refused(manifest, "is at"));
  await assert.rejects(
    fetchOciBundle(source, { egress: only([server.host]) }),
    refused(`${server.origin}/v2/team/policy/ (its token service)`, "is at"),
  );
  assert.equal(tokens.requests.length, 1);
});
