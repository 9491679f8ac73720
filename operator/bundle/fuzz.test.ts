import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import type { Bundle, Verification } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";
import { openBundle } from "./open-bundle.ts";
import { newSigningKey, signed } from "./testing/signing.ts";
import { type Entry, soundEntries, tarOf } from "./testing/tarball.ts";

// Whatever is done to a signed bundle, what comes out is what was signed, or a BundleError.

const ours = newSigningKey("ours");
const entries = await signed(soundEntries(), ours);
const tar = await tarOf(entries);
const original = await contentOf(gzipSync(tar));
assert.ok(original !== "refused");

/** What a policy would see, or "refused"; anything but a BundleError is thrown. */
async function contentOf(
  tarball: Uint8Array,
  verification: Verification | "none" = { keys: [ours.key] },
): Promise<Omit<Bundle, "digest"> | "refused"> {
  try {
    const { digest: _, ...content } = await openBundle({
      content: { kind: "tarball", tarball },
      digest: "",
      limits: { compressedBytes: 100_000, unpackedBytes: 100_000, files: 50 },
      ...(verification === "none" ? {} : { verification }),
    });
    return content;
  } catch (error) {
    if (error instanceof BundleError) return "refused";
    throw error;
  }
}

async function assertCovered(tarball: Uint8Array): Promise<void> {
  await contentOf(tarball, "none"); // unverified it may mean anything, and must not crash either
  const content = await contentOf(tarball);
  assert.deepEqual(content, content === "refused" ? "refused" : original);
}

/** Bytes to overwrite, cut out or put in, by position. */
const edits = (length: number) =>
  fc.array(
    fc.record({
      at: fc.nat(length - 1),
      remove: fc.nat(4),
      insert: fc.uint8Array({ maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 4 },
  );

function edited(
  content: Buffer,
  changes: readonly { at: number; remove: number; insert: Uint8Array }[],
) {
  return changes.reduce(
    (bytes, { at, remove, insert }) =>
      Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]),
    content,
  );
}

test("a bundle with bytes changed in its compressed form", async () => {
  const tarball = gzipSync(tar);
  await fc.assert(
    fc.asyncProperty(edits(tarball.byteLength), (changes) =>
      assertCovered(edited(tarball, changes)),
    ),
    { numRuns: 500 },
  );
});

test("a bundle with bytes changed in its archive", async () => {
  await fc.assert(
    fc.asyncProperty(edits(tar.byteLength), (changes) =>
      assertCovered(gzipSync(edited(tar, changes), { level: 1 })),
    ),
    { numRuns: 1_000 },
  );
});

test("a bundle with bytes changed in its files", async () => {
  const change = fc
    .nat(entries.length - 1)
    .chain((index) =>
      fc.tuple(fc.constant(index), edits(Buffer.from(entries[index]!.content!).byteLength)),
    );
  await fc.assert(
    fc.asyncProperty(change, async ([index, changes]) => {
      const changed = entries.map((entry, at) =>
        at === index
          ? { ...entry, content: edited(Buffer.from(entry.content as Uint8Array), changes) }
          : entry,
      );
      await assertCovered(gzipSync(await tarOf(changed), { level: 1 }));
    }),
    { numRuns: 500 },
  );
});

const names = fc.oneof(
  fc.constantFrom(...entries.map(({ name }) => name)),
  fc.constantFrom(...entries.map(({ name }) => `.${name}`)),
  fc.constantFrom("/a.rego", "shop/data.json", "data.yaml", "policy.wasm", "x/.signatures.json"),
  fc
    .array(fc.constantFrom("..", ".", "", "shop", "a", ".manifest"), { maxLength: 4 })
    .map((parts) => `${parts.join("/")}/x.rego`),
);
const contents = fc.oneof(
  fc.constantFrom(...entries.map(({ content }) => content!)),
  fc.json().map((text): string | Uint8Array => text),
  fc.constant("package shop\n\npaths := []\n"),
);
const anyEntry: fc.Arbitrary<Entry> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ name: names, content: contents }) },
  {
    weight: 1,
    arbitrary: fc.record({
      name: names,
      type: fc.constantFrom("symlink", "link", "directory", "fifo"),
      linkname: names,
    }),
  },
);

test("a bundle with entries added, left out, repeated and in another order", async () => {
  const archives = fc.tuple(
    fc.shuffledSubarray([...entries], { minLength: entries.length - 1 }),
    fc.array(fc.tuple(fc.nat(10), anyEntry), { maxLength: 2 }),
  );
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(archives, async ([kept, added]) => {
      const all = added.reduce<readonly Entry[]>(
        (list, [at, entry]) => list.toSpliced(Math.min(at, list.length), 0, entry),
        kept,
      );
      const tarball = gzipSync(await tarOf(all), { level: 1 });
      await assertCovered(tarball);
      if ((await contentOf(tarball)) !== "refused") taken++;
    }),
    { numRuns: 500 },
  );
  assert.ok(taken > 0, "no mutation was harmless, so nothing but refusals was tested");
});
