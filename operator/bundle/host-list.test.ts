import assert from "node:assert/strict";
import { test } from "node:test";
import { assertHostPatterns, listingOf } from "./host-list.ts";

const names = (pattern: string, url: string) => listingOf([pattern], new URL(url)) !== "no";

test("a name stands for itself, on the port of the scheme", () => {
  assert.equal(names("bundles.example", "https://bundles.example/b"), true);
  assert.equal(names("Bundles.Example", "http://BUNDLES.example/b"), true);
  assert.equal(names("bundles.example", "https://bundles.example:443/b"), true);
  assert.equal(names("bundles.example", "https://bundles.example:8443/b"), false);
  assert.equal(names("bundles.example", "http://bundles.example:443/b"), false);
  assert.equal(names("bundles.example", "https://bundles.example.evil/b"), false);
  assert.equal(names("bundles.example", "https://a.bundles.example/b"), false);
  assert.equal(names("bundles.example", "https://bundlesxexample/b"), false);
});

test("a port is that port alone", () => {
  assert.equal(names("bundles.example:8443", "https://bundles.example:8443/b"), true);
  assert.equal(names("bundles.example:8443", "https://bundles.example/b"), false);
  assert.equal(names("bundles.example:443", "https://bundles.example/b"), true);
  assert.equal(names("bundles.example:443", "http://bundles.example/b"), false);
  assert.equal(names("10.0.0.7:5000", "http://10.0.0.7:5000/b"), true);
  assert.equal(names("10.0.0.7:5000", "http://0xa000007:5000/b"), true, "the same address");
  assert.equal(names("[::1]:5000", "http://[0:0::1]:5000/b"), true);
});

test("a wildcard is one label or more, and not the domain itself", () => {
  assert.equal(names("*.example.com", "https://a.example.com/b"), true);
  assert.equal(names("*.example.com", "https://a.b.example.com/b"), true);
  assert.equal(names("*.example.com", "https://example.com/b"), false);
  assert.equal(names("*.example.com", "https://.example.com/b"), false);
  assert.equal(names("*.example.com", "https://evilexample.com/b"), false);
  assert.equal(names("*.example.com:8443", "https://a.example.com:8443/b"), true);
  assert.equal(names("*.example.com:8443", "https://a.example.com/b"), false);
});

test("an empty list names none", () => {
  assert.equal(listingOf([], new URL("https://bundles.example/")), "no");
});

test("what is no host is refused with what to write", () => {
  assertHostPatterns(["a", "a.example", "*.a.example:80", "[::1]", "127.0.0.1:5000"]);
  for (const pattern of [
    "",
    "*",
    "https://a.example",
    "a.example/b",
    "a.*.example",
    "*a.example",
  ]) {
    assert.throws(() => assertHostPatterns(["a", pattern]), {
      message: `bundle hosts: ${JSON.stringify(pattern)} names no host; write name, name:port, *.domain or *.domain:port`,
    });
  }
});

test("a host that has its own name in the list is told from one that a pattern names", () => {
  const url = new URL("https://a.example.com/b");
  assert.equal(listingOf(["*.example.com"], url), "byPattern");
  assert.equal(listingOf(["*.example.com", "a.example.com"], url), "byName");
  assert.equal(listingOf(undefined, url), "noList");
});
