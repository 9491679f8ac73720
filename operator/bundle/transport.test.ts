import assert from "node:assert/strict";
import { test } from "node:test";
import type { BundleSource } from "./bundle.ts";
import { assertTransport } from "./transport.ts";

type Remote = Exclude<BundleSource, { readonly kind: "configMap" }>;
const digest = `sha256:${"a".repeat(64)}`;
const verification = { keys: [] };
const credentials = { token: "t" };
const http = (more: object = {}): Remote => ({ kind: "http", url: "http://a.example/b", ...more });
const oci = (more: object = {}): Remote => ({
  ...{ kind: "oci", reference: "a.example/b:v1", plainHttp: true },
  ...more,
});
const untold = (what: string) => ({
  reason: "InvalidSource",
  message: `bundle ${what}: is plain HTTP, and nothing says which bundle is the right one; use HTTPS, or add digest or verification`,
});

test("plain HTTP without pin or signature is refused", () => {
  assert.throws(() => assertTransport(http(), undefined), untold("URL"));
  assert.throws(() => assertTransport(oci(), undefined), untold("reference"));
});

test("plain HTTP is good enough for what is pinned or signed", () => {
  for (const source of [http(), oci()]) assertTransport(source, verification);
  assertTransport(http({ digest }), undefined);
  assertTransport(oci({ digest }), undefined);
  assertTransport(oci({ reference: `a.example/b@${digest}` }), undefined);
});

test("credentials do not go over plain HTTP, whatever else is there", () => {
  for (const source of [http({ credentials, digest }), oci({ credentials, digest })]) {
    assert.throws(() => assertTransport(source, verification), {
      reason: "InvalidSource",
      message: /: is plain HTTP, which would show the credentials; use HTTPS$/,
    });
  }
});

test("TLS and this machine need neither", () => {
  assertTransport(http({ url: "https://a.example/b" }), undefined);
  assertTransport(http({ url: "http://127.0.0.1:5000/b" }), undefined);
  assertTransport(http({ url: "http://localhost/b" }), undefined);
  assertTransport(oci({ plainHttp: false }), undefined);
  assertTransport(oci({ reference: "localhost:5000/b:v1" }), undefined);
});

test("a host that only begins like this machine's is another", () => {
  for (const url of ["http://localhost.evil.example/b", "http://127.0.0.1.evil.example/b"]) {
    assert.throws(() => assertTransport(http({ url }), undefined), untold("URL"));
  }
});
