import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { RequestListener } from "node:http";
import { after, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { ManualClock } from "@guardbee/kube";
import type { BundleSource } from "./bundle.ts";
import type { BundleErrorReason } from "./bundle-error.ts";
import { type FetchOptions, fetchBundle } from "./fetch-bundle.ts";
import { type Guard, startRegistry } from "./testing/registry-server.ts";
import { newSigningKey, signed } from "./testing/signing.ts";
import { type Entry, soundEntries, tarballOf } from "./testing/tarball.ts";
import { egressOfTest, startWebServer } from "./testing/web-server.ts";

// What a server may give instead of the signed bundle, each over HTTP and from a registry.

const ours = newSigningKey("release");
const stranger = newSigningKey("release");
const good = await signed(soundEntries(), ours);
const limits = { compressedBytes: 50_000, unpackedBytes: 200_000, files: 20 };

const without = (name: string) => good.filter((entry) => entry.name !== name);
const withAlso = (...entries: readonly Entry[]) => tarballOf([...good, ...entries]);

const refused: readonly {
  readonly name: string;
  readonly tarball: () => Promise<Buffer>;
  readonly reason: BundleErrorReason;
}[] = [
  {
    name: "stripped signature",
    tarball: () => tarballOf(without("/.signatures.json")),
    reason: "NotSigned",
  },
  {
    name: "wrong key",
    tarball: async () => tarballOf(await signed(soundEntries(), stranger)),
    reason: "BadSignature",
  },
  {
    name: "file not listed",
    tarball: () => withAlso({ name: "/more.rego", content: "package shop" }),
    reason: "FileNotListed",
  },
  {
    name: "changed file",
    tarball: () =>
      tarballOf([
        ...without("/shop/policy.rego"),
        { name: "/shop/policy.rego", content: "package shop\n\npaths := []\n" },
      ]),
    reason: "FileChanged",
  },
  {
    name: "manifest taken out",
    tarball: () => tarballOf(without("/.manifest")),
    reason: "FileMissing",
  },
  {
    name: "signed without a manifest",
    tarball: async () => tarballOf(await signed([{ name: "/a.rego", content: "package a" }], ours)),
    reason: "NoManifest",
  },
  {
    name: "oversized",
    tarball: () => withAlso({ name: "/noise", content: randomBytes(60_000) }),
    reason: "TooLarge",
  },
  {
    name: "gzip bomb",
    tarball: async () => gzipSync(Buffer.alloc(20_000_000)),
    reason: "TooLarge",
  },
  {
    name: "path traversal",
    tarball: () => withAlso({ name: "/../../etc/cron.d/x" }),
    reason: "UnsafePath",
  },
  {
    name: "symlink",
    tarball: () => withAlso({ name: "/x", type: "symlink", linkname: "/etc/passwd" }),
    reason: "UnsafePath",
  },
  {
    name: "garbage",
    tarball: async () => Buffer.from("<html>502 Bad Gateway</html>"),
    reason: "NotABundle",
  },
];

type Served = {
  readonly source: BundleSource;
  serve(tarball: Buffer): void;
  /** What is asked is answered so from now on; true when it has been. */
  guard: Guard;
  close(): Promise<void>;
};

async function startHttp(): Promise<Served> {
  let content: Uint8Array = Buffer.alloc(0);
  const handle: RequestListener = (request, response) => {
    if (!served.guard(request, response)) response.end(content);
  };
  const server = await startWebServer(handle);
  const served: Served = {
    source: { kind: "http", url: `${server.origin}/bundle.tar.gz` },
    serve(tarball) {
      content = tarball;
    },
    guard: () => false,
    close: server.close,
  };
  return served;
}

async function startOci(): Promise<Served> {
  const registry = await startRegistry((request, response) => served.guard(request, response));
  const served: Served = {
    source: { kind: "oci", reference: registry.reference("v1") },
    serve: (tarball) => void registry.push("v1", [{ content: tarball }]),
    guard: () => false,
    close: registry.server.close,
  };
  return served;
}

for (const [place, start] of [
  ["over HTTP", startHttp],
  ["from a registry", startOci],
] as const) {
  describe(`a signed bundle ${place}`, async () => {
    const served = await start();
    let closed = false;
    after(async () => {
      if (!closed) await served.close();
    });
    const get = (options: Partial<FetchOptions> = {}) =>
      fetchBundle(served.source, {
        verification: { keys: [ours.key] },
        limits,
        timeoutMs: 60_000,
        egress: egressOfTest,
        signal: new AbortController().signal,
        ...options,
      });

    test("is used", async () => {
      served.serve(await tarballOf(good));
      const fetched = await get();
      assert.equal(fetched.kind === "bundle" && fetched.bundle.revision, "r1");
    });

    for (const { name, tarball, reason } of refused) {
      test(`is refused: ${name}`, async () => {
        served.serve(await tarball());
        await assert.rejects(get(), { name: "BundleError", reason });
      });
    }

    test("is refused: the server fails", async () => {
      served.guard = (_, response) => {
        response.writeHead(503, { "retry-after": "7" }).end();
        return true;
      };
      await assert.rejects(get(), { reason: "Unreachable", retryAfterMs: 7_000 });
    });

    test("is refused: the server is slow", async () => {
      served.guard = () => true; // it never answers
      const clock = new ManualClock();
      const failure = get({ clock, idleMs: 1e9 }).catch((error) => error);
      await clock.asleep(2);
      await clock.advance(60_000);
      assert.equal((await failure).reason, "Unreachable");
    });

    test("is refused: the server is down", async () => {
      await served.close();
      closed = true;
      await assert.rejects(get(), { reason: "Unreachable" });
    });
  });
}
