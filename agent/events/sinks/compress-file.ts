import { createReadStream, createWriteStream } from "node:fs";
import { rename, unlink } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { newlinesIn } from "./file-index.ts";

export const compressedSuffix = ".gz";

/** Makes `path.gz` of the file `path`: whole, or not at all. Rejects with what the disk says. */
export async function compressFile(path: string, mode: number): Promise<void> {
  const next = `${path}${compressedSuffix}.next`;
  try {
    await pipeline(createReadStream(path), createGzip(), createWriteStream(next, { mode }));
    await rename(next, `${path}${compressedSuffix}`);
  } catch (error) {
    await unlink(next).catch(() => {}); // perhaps it was never made
    throw error;
  }
}

/** How many line ends there are in a compressed file, as far as it can be read. */
export async function countCompressedLines(path: string): Promise<number> {
  let count = 0;
  try {
    for await (const chunk of createReadStream(path).pipe(createGunzip())) {
      count += newlinesIn(chunk as Buffer);
    }
  } catch {
    // Its writer died before it was whole: what is left of it counts.
  }
  return count;
}
