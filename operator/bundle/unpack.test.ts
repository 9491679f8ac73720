import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { type Entry, soundEntries, tarballOf, tarOf } from "./testing/tarball.ts";
import { assertCompressedSize, collectFiles, unpackTarball } from "./unpack.ts";

const limits = { compressedBytes: 100_000, unpackedBytes: 200_000, files: 10 };

test("unpackTarball gives the files without a leading slash or ./, and no folders", async () => {
  const files = await unpackTarball(
    await tarballOf([
      { name: "/a.rego", content: "a" },
      { name: "./b/c.rego", content: "bc" },
      { name: "b", type: "directory" },
      { name: `${"long/".repeat(40)}d.rego`, content: "d" },
    ]),
    limits,
  );
  assert.deepEqual(
    [...files].map(([path, content]) => [path, content.toString()]),
    [
      ["a.rego", "a"],
      ["b/c.rego", "bc"],
      [`${"long/".repeat(40)}d.rego`, "d"],
    ],
  );
});

const fix = "build the bundle with opa build";
const refusedEntries: readonly { name: string; entries: readonly Entry[]; want: string }[] = [
  {
    name: "a path that climbs out",
    entries: [{ name: "../etc/passwd" }],
    want: `bundle: the path "../etc/passwd" has the part ".."; ${fix}`,
  },
  {
    name: "a path that climbs out from within",
    entries: [{ name: "/a/../../b" }],
    want: `bundle: the path "/a/../../b" has the part ".."; ${fix}`,
  },
  {
    name: "a path that is absolute beyond opa's one slash",
    entries: [{ name: "//etc/passwd" }],
    want: `bundle: the path "//etc/passwd" is absolute or has an empty part; ${fix}`,
  },
  {
    name: "a backslash",
    entries: [{ name: "a\\..\\b" }],
    want: `bundle: the path "a\\\\..\\\\b" has a backslash or a control character; ${fix}`,
  },
  {
    name: "a path part that no file system takes",
    entries: [{ name: `${"x".repeat(256)}/a.rego` }],
    want: `bundle: the path "${"x".repeat(200)}" has a part longer than 255 bytes; ${fix}`,
  },
  {
    name: "a symbolic link",
    entries: [{ name: "a.rego", type: "symlink", linkname: "/etc/passwd" }],
    want: `bundle: "a.rego" is no plain file (symlink); ${fix}`,
  },
  {
    name: "a hard link",
    entries: [{ name: "a.rego", type: "link", linkname: "b.rego" }],
    want: `bundle: "a.rego" is no plain file (link); ${fix}`,
  },
  {
    name: "a device",
    entries: [{ name: "a.rego", type: "character-device" }],
    want: `bundle: "a.rego" is no plain file (character-device); ${fix}`,
  },
  {
    name: "a pipe",
    entries: [{ name: "a.rego", type: "fifo" }],
    want: `bundle: "a.rego" is no plain file (fifo); ${fix}`,
  },
  {
    name: "a path that comes twice in two spellings",
    entries: [{ name: "/a.rego" }, { name: "a.rego" }],
    want: `bundle: "a.rego" is there twice; ${fix}`,
  },
  {
    name: "a file that is also a folder",
    entries: [{ name: "a/b.rego" }, { name: "a" }],
    want: `bundle: "a" is a file and a folder; ${fix}`,
  },
];
for (const { name, entries, want } of refusedEntries) {
  test(`unpackTarball refuses ${name}`, async () => {
    await assert.rejects(unpackTarball(await tarballOf(entries), limits), {
      reason: "UnsafePath",
      message: want,
    });
  });
}

test("unpackTarball stops inflating a gzip bomb at the limit", async () => {
  const bomb = gzipSync(Buffer.alloc(20_000_000));
  assert.ok(bomb.byteLength < limits.compressedBytes);
  await assert.rejects(unpackTarball(bomb, limits), {
    reason: "TooLarge",
    message: "bundle: unpacks to more than 200000 bytes; leave out what the policy does not need",
  });
});

test("unpackTarball refuses more files than allowed", async () => {
  const entries = Array.from({ length: 11 }, (_, index) => ({ name: `${index}.rego` }));
  await assert.rejects(unpackTarball(await tarballOf(entries), limits), {
    reason: "TooLarge",
    message: "bundle: has more than 10 files; join them or leave some out",
  });
});

test("collectFiles refuses loose files that are too large together", () => {
  const entries = [1, 2, 3].map((index) => [`${index}`, Buffer.alloc(70_000)] as const);
  assert.throws(() => collectFiles(entries, limits), {
    reason: "TooLarge",
    message: "bundle: has more than 200000 bytes; leave out what the policy does not need",
  });
});

test("assertCompressedSize takes what is just allowed and refuses one byte more", () => {
  assertCompressedSize(100_000, limits);
  assert.throws(() => assertCompressedSize(100_001, limits), {
    reason: "TooLarge",
    message:
      "bundle: has 100001 bytes, at most 100000 are allowed; leave out what the policy does not need",
  });
});

const garbage: readonly { name: string; content: () => Promise<Buffer> }[] = [
  { name: "text", content: async () => Buffer.from("<html>it works</html>") },
  { name: "nothing", content: async () => Buffer.alloc(0) },
  { name: "an archive that is not compressed", content: () => tarOf(soundEntries()) },
  { name: "compressed text", content: async () => gzipSync("not a tar archive".repeat(100)) },
  { name: "an empty archive", content: () => tarballOf([]) },
  {
    name: "a compressed file that is cut off",
    content: async () => (await tarballOf(soundEntries())).subarray(0, 100),
  },
  {
    name: "an archive that is cut off",
    content: async () => gzipSync((await tarOf(soundEntries())).subarray(0, 700)),
  },
];
for (const { name, content } of garbage) {
  test(`unpackTarball refuses ${name}`, async () => {
    await assert.rejects(unpackTarball(await content(), limits), { reason: "NotABundle" });
  });
}
