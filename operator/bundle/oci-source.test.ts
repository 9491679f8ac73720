import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterEach, describe, test } from "node:test";
import nock from "nock";
import { defaultLimits } from "./bundle.ts";
import { fetchOciBundle as get, registryOfTest } from "./testing/oci.ts";
import type { Guard } from "./testing/registry-server.ts";
import { soundEntries, tarballOf } from "./testing/tarball.ts";
import { startWebServer } from "./testing/web-server.ts";

const tarball = await tarballOf(soundEntries());
const { registryWith, closeAfter } = registryOfTest();
afterEach(() => nock.cleanAll());

describe("an artifact in a registry", () => {
  test("is fetched by tag and by digest, and not again while its manifest stays", async () => {
    const registry = await registryWith();
    const { digest } = registry.push("v1", [{ content: tarball }]);
    const byTag = await get({ reference: registry.reference("v1") });
    assert.deepEqual(byTag, {
      kind: "bundle",
      etag: digest,
      bundle: {
        revision: "r1",
        digest,
        modules: [{ path: "shop/policy.rego", text: "package shop\n\npaths := data.shop.paths\n" }],
        data: { shop: { paths: ["/tmp/a"] } },
        roots: ["shop"],
      },
    });
    assert.deepEqual(await get({ reference: registry.reference(digest) }), byTag);
    const before = registry.server.requests.length;
    const again = await get({ reference: registry.reference("v1") }, { etag: digest });
    assert.deepEqual(again, { kind: "unchanged", etag: digest });
    assert.deepEqual(
      registry.server.requests.slice(before).map(({ url }) => url),
      ["/v2/team/policy/manifests/v1"],
    );
    registry.push("v1", [{ content: await tarballOf(soundEntries({ name: "/README" })) }]);
    const moved = await get({ reference: registry.reference("v1") }, { etag: digest });
    assert.equal(moved.kind, "bundle");
  });

  test("that is not the pinned one is refused", async () => {
    const registry = await registryWith();
    const { digest } = registry.push("v1", [{ content: tarball }]);
    const other = `sha256:${"0".repeat(64)}`;
    const reference = registry.reference("v1");
    assert.equal((await get({ reference, digest })).kind, "bundle");
    await assert.rejects(get({ reference, digest: other }), {
      reason: "DigestMismatch",
      message: `${reference}: has the digest ${digest} and not ${other}; pin the new one, or find out who changed it`,
    });
  });

  test("whose registry answers another manifest than was asked for is refused", async () => {
    const registry = await registryWith((request, response) => {
      if (!request.url!.includes("manifests/sha256:")) return false;
      response.end('{"layers":[]}');
      return true;
    });
    const { digest } = registry.push("v1", [{ content: tarball }]);
    await assert.rejects(get({ reference: registry.reference(digest) }), {
      reason: "DigestMismatch",
    });
  });

  test("whose layer is not what its manifest says is refused", async () => {
    const registry = await registryWith();
    registry.push("v1", [{ content: tarball }]);
    const layer = `sha256:${createHash("sha256").update(tarball).digest("hex")}`;
    const changed = Buffer.from(tarball);
    changed[20]! ^= 1;
    registry.replaceBlob(layer, changed);
    await assert.rejects(get({ reference: registry.reference("v1") }), {
      reason: "DigestMismatch",
    });
    registry.replaceBlob(layer, Buffer.concat([tarball, Buffer.alloc(1)]));
    await assert.rejects(get({ reference: registry.reference("v1") }), { reason: "TooLarge" });
  });

  test("that is larger than allowed is not even fetched", async () => {
    const registry = await registryWith();
    registry.push("v1", [{ content: tarball }]);
    const limits = { ...defaultLimits, compressedBytes: 10 };
    await assert.rejects(get({ reference: registry.reference("v1") }, { limits }), {
      reason: "TooLarge",
      message: `bundle: has ${tarball.byteLength} bytes, at most 10 are allowed; leave out what the policy does not need`,
    });
    assert.equal(registry.server.requests.length, 1);
  });

  test("that is not there is Unreachable", async () => {
    const registry = await registryWith();
    await assert.rejects(get({ reference: registry.reference("v9") }), {
      reason: "Unreachable",
      message: `${registry.reference("v9")}: is not in the registry; push it or correct the name`,
    });
  });

  const bundleType = "application/vnd.oci.image.layer.v1.tar+gzip";
  const layer = `"mediaType":"${bundleType}","digest":"sha256:${"0".repeat(64)}"`;
  const manifests: readonly { name: string; content: string; want: string }[] = [
    { name: "garbage", content: "<html>", want: "bundle: REFERENCE is not JSON; correct it" },
    {
      name: "an index",
      content: '{"manifests":[]}',
      want: "REFERENCE: is an index of 0 images, not 1; push the bundle alone, or name its image by digest",
    },
    {
      name: "null",
      content: "null",
      want: "REFERENCE: is no image manifest with layers; push the bundle with oras or policy",
    },
    {
      name: "an image without a bundle",
      content: '{"layers":[]}',
      want: `REFERENCE: has 0 layers of type ${bundleType}, not 1; push the tarball alone`,
    },
    {
      name: "two bundles",
      content: `{"layers":[{${layer},"size":1},{${layer},"size":1}]}`,
      want: `REFERENCE: has 2 layers of type ${bundleType}, not 1; push the tarball alone`,
    },
    {
      name: "a layer of no size",
      content: `{"layers":[{${layer},"size":-1}]}`,
      want: "REFERENCE: has a layer without mediaType, sha256 digest or size; push the bundle again",
    },
    {
      name: "a layer whose digest is a path",
      content: `{"layers":[{"mediaType":"${bundleType}","digest":"../../x","size":1}]}`,
      want: "REFERENCE: has a layer without mediaType, sha256 digest or size; push the bundle again",
    },
  ];
  for (const { name, content, want } of manifests) {
    test(`whose manifest is ${name} is NotABundle`, async () => {
      const registry = await registryWith();
      registry.pushManifest("v1", content);
      const reference = registry.reference("v1");
      await assert.rejects(get({ reference }), {
        reason: "NotABundle",
        message: want.replace("REFERENCE", reference),
      });
    });
  }
});

describe("an image index, as docker buildx pushes it even for one platform", () => {
  const index = "application/vnd.oci.image.index.v1+json";
  const image = "application/vnd.oci.image.manifest.v1+json";
  /** Heeds Accept, as ghcr.io does. */
  const heeding: Guard = ({ url, headers }, response) => {
    if (url !== "/v2/team/policy/manifests/v1" || headers.accept?.includes(index)) return false;
    response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
    return true;
  };
  type Entry = {
    readonly digest: string;
    readonly mediaType?: string;
    readonly annotations?: object;
  };
  async function indexOf(entries: (digest: string) => readonly Entry[]) {
    const registry = await registryWith(heeding);
    const inner = registry.push("inner", [{ content: tarball }]);
    const manifests = entries(inner.digest).map((entry) => ({
      mediaType: image,
      size: 1,
      ...entry,
    }));
    const content = JSON.stringify({ schemaVersion: 2, mediaType: index, manifests });
    return { registry, ...registry.pushManifest("v1", content) };
  }
  const attestation = {
    digest: `sha256:${"1".repeat(64)}`,
    annotations: { "vnd.docker.reference.type": "attestation-manifest" },
  };

  test("gives the bundle of its one image, under the index's digest", async () => {
    const { registry, digest } = await indexOf((inner) => [{ digest: inner }, attestation]);
    const reference = registry.reference("v1");
    const fetched = await get({ reference, digest });
    assert.equal(fetched.kind === "bundle" && fetched.bundle.digest, digest);
    assert.equal((await get({ reference }, { etag: digest })).kind, "unchanged");
    assert.equal((await get({ reference: registry.reference(digest) })).kind, "bundle");
  });

  const problems: readonly {
    name: string;
    entries: (inner: string) => readonly Entry[];
    want: RegExp;
  }[] = [
    {
      name: "two images",
      entries: (inner) => [{ digest: inner }, { digest: `sha256:${"2".repeat(64)}` }],
      want: /: is an index of 2 images, not 1; push the bundle alone, or name its image by digest$/,
    },
    {
      name: "another index",
      entries: (inner) => [{ digest: inner, mediaType: index }],
      want: /: is an index of 0 images, not 1; /,
    },
    {
      name: "an image that was removed",
      entries: () => [{ digest: `sha256:${"3".repeat(64)}` }],
      want: /: is an index of sha256:3{64}, which is not in the registry; push it again$/,
    },
  ];
  const ambiguous: readonly { readonly name: string; readonly more: object }[] = [
    { name: "has layers as well", more: { layers: [] } },
    { name: "says that it is an image", more: { mediaType: image } },
  ];
  for (const { name, more } of ambiguous) {
    test(`that ${name} is refused: others would read it as something else`, async () => {
      const registry = await registryWith();
      const { digest } = registry.push("inner", [{ content: tarball }]);
      const manifests = [{ mediaType: image, size: 1, digest }];
      registry.pushManifest("v1", JSON.stringify({ mediaType: index, manifests, ...more }));
      await assert.rejects(get({ reference: registry.reference("v1") }), {
        reason: "NotABundle",
        message: `${registry.reference("v1")}: is an image manifest and an index at once; push the bundle with oras or policy`,
      });
    });
  }

  for (const { name, entries, want } of problems) {
    test(`of ${name} is refused, and not as absent`, async () => {
      const { registry } = await indexOf(entries);
      await assert.rejects(get({ reference: registry.reference("v1") }), { message: want });
    });
  }
});

describe("credentials for a registry", () => {
  test("do not go to a token service that their Secret does not name", async () => {
    const tokens = await startWebServer((_, response) => response.end('{"token":"T0K"}'));
    closeAfter(tokens);
    const registry = await registryWith((_, response) => {
      response.writeHead(401, { "www-authenticate": `Bearer realm="${tokens.origin}/t"` }).end();
      return true;
    });
    const { host } = registry.server;
    const reference = registry.reference("v1");
    const credentials = { hosts: [host], username: "u", password: "p" };
    await assert.rejects(get({ reference, credentials }), {
      reason: "InvalidSource",
      message: `http://${host}/v2/team/policy/: has its token service at a host that the credentials are not for; add it to host in their Secret`,
    });
    assert.equal(tokens.requests.length, 0);
  });

  test("are exchanged for a token where the registry says, once for all requests", async () => {
    const tokens = await startWebServer((_, response) => response.end('{"token":"T0K"}'));
    closeAfter(tokens);
    const registry = await registryWith((request, response) => {
      if (request.headers.authorization === "Bearer T0K") return false;
      const challenge = `Bearer realm="${tokens.origin}/token",service="reg",scope="repository:team/policy:pull"`;
      response.writeHead(401, { "www-authenticate": challenge }).end();
      return true;
    });
    registry.push("v1", [{ content: tarball }]);
    const credentials = { username: "u", password: "p" };
    const fetched = await get({ reference: registry.reference("v1"), credentials });
    assert.equal(fetched.kind, "bundle");
    assert.deepEqual(
      tokens.requests.map(({ url, headers }) => [url, headers.authorization]),
      [["/token?service=reg&scope=repository%3Ateam%2Fpolicy%3Apull", "Basic dTpw"]],
    );
    assert.deepEqual(
      registry.server.requests.map(({ headers }) => headers.authorization),
      [undefined, "Bearer T0K", "Bearer T0K"],
    );
  });

  test("go as they are to a registry that asks for Basic", async () => {
    const registry = await registryWith((request, response) => {
      if (request.headers.authorization === "Basic dTpw") return false;
      response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
      return true;
    });
    registry.push("v1", [{ content: tarball }]);
    const reference = registry.reference("v1");
    const credentials = { username: "u", password: "p" };
    assert.equal((await get({ reference, credentials })).kind, "bundle");
    await assert.rejects(get({ reference }), {
      reason: "Unreachable",
      message: `http://${registry.server.host}/v2/team/policy/manifests/v1: answers 401; check the credentials`,
    });
  });

  test("do not follow a redirect to where the blobs are", async () => {
    const storage = await startWebServer((_, response) => response.end(tarball));
    closeAfter(storage);
    const registry = await registryWith((request, response) => {
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
      } else if (request.url!.includes("/blobs/")) {
        response.writeHead(307, { location: `${storage.origin}/blob?signature=s` }).end();
      } else return false;
      return true;
    });
    registry.push("v1", [{ content: tarball }]);
    const credentials = { username: "u", password: "p" };
    const fetched = await get({ reference: registry.reference("v1"), credentials });
    assert.equal(fetched.kind, "bundle");
    assert.deepEqual(
      storage.requests.map(({ url, headers }) => [url, headers.authorization]),
      [["/blob?signature=s", undefined]],
    );
  });

  const realms: readonly string[] = ["", 'realm="file:///x"', 'realm="http://u:p@host/"'];
  for (const realm of realms) {
    test(`are not sent to a token service ${realm || "without an address"}`, async () => {
      const registry = await registryWith((_, response) => {
        response.writeHead(401, { "www-authenticate": `Bearer ${realm}` }).end();
        return true;
      });
      await assert.rejects(get({ reference: registry.reference("v1") }), {
        reason: "Unreachable",
        message: `http://${registry.server.host}/v2/team/policy/: names no usable token service; check the registry`,
      });
    });
  }

  test("are not sent to a token service without TLS when the registry has it", async () => {
    nock("https://registry.example")
      .get("/v2/team/policy/manifests/v1")
      .reply(401, "", { "www-authenticate": 'Bearer realm="http://registry.example/token"' });
    const credentials = { username: "u", password: "p" };
    await assert.rejects(get({ reference: "registry.example/team/policy:v1", credentials }), {
      reason: "Unreachable",
      message:
        "https://registry.example/v2/team/policy/: names no usable token service; check the registry",
    });
  });

  test("are not sent to a token service in plain HTTP on another machine", async () => {
    const registry = await registryWith((_, response) => {
      const challenge = 'Bearer realm="http://bundles.example/token"';
      response.writeHead(401, { "www-authenticate": challenge }).end();
      return true;
    });
    const credentials = { hosts: [registry.server.host, "bundles.example"], username: "u" };
    await assert.rejects(get({ reference: registry.reference("v1"), credentials }), {
      reason: "Unreachable",
      message: `http://${registry.server.host}/v2/team/policy/: names no usable token service; check the registry`,
    });
  });

  test("that bring no token end the fetch", async () => {
    const tokens = await startWebServer((_, response) => response.end('{"token":7}'));
    closeAfter(tokens);
    const registry = await registryWith((_, response) => {
      response.writeHead(401, { "www-authenticate": `Bearer realm="${tokens.origin}/t"` }).end();
      return true;
    });
    await assert.rejects(get({ reference: registry.reference("v1") }), {
      reason: "Unreachable",
      message: `${registry.server.origin}/v2/team/policy/ (its token service): answers no token; check the registry`,
    });
  });
});
