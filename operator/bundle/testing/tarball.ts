import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";

/** One entry of a tarball to make; a plain file unless `type` says otherwise. */
export type Entry = {
  readonly name: string;
  readonly content?: string | Uint8Array;
  readonly type?: "file" | "symlink" | "link" | "character-device" | "fifo" | "directory";
  readonly linkname?: string;
};

/** The entries as an uncompressed archive, in their order. */
export async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { name, content = "", type = "file", linkname } of entries) {
    const header = { name, type, ...(linkname === undefined ? {} : { linkname }) };
    archive.entry(header, Buffer.from(content as Uint8Array));
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The entries as a bundle's tarball. */
export async function tarballOf(entries: readonly Entry[]): Promise<Buffer> {
  return gzipSync(await tarOf(entries));
}

/** The entries of a bundle that is sound and unsigned, with some added or, by name, replaced. */
export function soundEntries(...changes: readonly Entry[]): readonly Entry[] {
  const sound: readonly Entry[] = [
    { name: "/.manifest", content: '{"revision":"r1","roots":["shop"]}' },
    { name: "/data.json", content: '{"shop":{"paths":["/tmp/a"]}}' },
    { name: "/shop/policy.rego", content: "package shop\n\npaths := data.shop.paths\n" },
  ];
  const changed = new Map(sound.map((entry) => [entry.name, entry]));
  for (const change of changes) changed.set(change.name, change);
  return [...changed.values()];
}
