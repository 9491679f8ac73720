import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits } from "./bundle.ts";
import { contentDigest } from "./content-digest.ts";
import { type FetchOptions, fetchBundle } from "./fetch-bundle.ts";
import { newSigningKey, signed } from "./testing/signing.ts";
import { soundEntries, tarballOf } from "./testing/tarball.ts";
import { egressOfTest } from "./testing/web-server.ts";

const never = new AbortController().signal;

function read(
  files: Readonly<Record<string, string>>,
  binary: Readonly<Record<string, Uint8Array>> = {},
  options: Partial<FetchOptions> = {},
) {
  const defaults = { limits: defaultLimits, timeoutMs: 1_000, egress: egressOfTest, signal: never };
  return fetchBundle({ kind: "configMap", files, binary }, { ...defaults, ...options });
}

test("loose files of a ConfigMap are a bundle, without a manifest too", async () => {
  const files = { "b.rego": "package b", "a.rego": "package a", "data.json": '{"x":1}' };
  const fetched = await read(files);
  assert.equal(fetched.kind, "bundle");
  const { etag, bundle } = fetched as Extract<typeof fetched, { kind: "bundle" }>;
  assert.deepEqual(bundle, {
    revision: "",
    digest: etag,
    modules: [
      { path: "a.rego", text: "package a" },
      { path: "b.rego", text: "package b" },
    ],
    data: { x: 1 },
  });
  assert.deepEqual(await read(files, {}, { etag }), { kind: "unchanged", etag });
  const reordered = Object.fromEntries(Object.entries(files).reverse());
  assert.deepEqual(await read(reordered, {}, { etag }), { kind: "unchanged", etag });
});

test("the digest of loose files tells where one file ends", async () => {
  const digests = await Promise.all(
    [
      { "a.rego": "b", c: "d" },
      { "a.rego": "bc", d: "" },
      { "a.rego": "", "b.c": "d" },
    ].map(async (files) => ((await read(files)) as { etag: string }).etag),
  );
  assert.equal(new Set(digests).size, 3);
});

test("a tarball in a ConfigMap is unpacked", async () => {
  const tarball = await tarballOf(soundEntries());
  const fetched = await read({}, { "bundle.tar.gz": tarball });
  assert.equal(fetched.kind, "bundle");
  assert.equal(fetched.etag, contentDigest(tarball));
});

test("a tarball and loose files in one ConfigMap are refused", async () => {
  await assert.rejects(
    read({ "a.rego": "package a" }, { "bundle.tar.gz": await tarballOf(soundEntries()) }),
    {
      reason: "NotABundle",
      message:
        "bundle: has bundle.tar.gz and other files beside it; keep either the tarball or the files",
    },
  );
});

test("an empty ConfigMap is NotABundle, one that is too large TooLarge", async () => {
  await assert.rejects(read({}), { reason: "NotABundle" });
  const limits = { ...defaultLimits, unpackedBytes: 10 };
  await assert.rejects(read({ "a.rego": "x".repeat(11) }, {}, { limits }), { reason: "TooLarge" });
});

test("loose files are verified like any bundle", async () => {
  const ours = newSigningKey("ours");
  const verification = { keys: [ours.key] };
  const entries = await signed([{ name: "a.rego", content: "package a" }], ours);
  const files = Object.fromEntries(
    entries.map(({ name, content }) => [name.replace(/^\//, ""), String(content)]),
  );
  assert.equal((await read(files, {}, { verification })).kind, "bundle");
  const { ".signatures.json": _, ...stripped } = files;
  await assert.rejects(read(stripped, {}, { verification }), { reason: "NotSigned" });
});
