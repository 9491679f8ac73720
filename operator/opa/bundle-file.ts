import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";

/**
 * One file of a bundle that `opa build` just wrote here (a gzipped tar); bundles from elsewhere are
 * read by operator/bundle. Throws when it lacks the file, or that is larger than `maximumBytes`.
 */
export async function readBundleFile(
  bundle: string,
  name: string,
  maximumBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const tar = extract();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let found = false;
  tar.on("entry", (header, stream, next) => {
    stream.on("end", next);
    if (header.name !== name) return stream.resume();
    found = true;
    stream.on("data", (data: unknown) => {
      const chunk = data as Uint8Array;
      bytes += chunk.byteLength;
      if (bytes > maximumBytes)
        tar.destroy(new Error(`${name} has more than ${maximumBytes} bytes`));
      else chunks.push(chunk);
    });
  });
  await pipeline(createReadStream(bundle), createGunzip(), tar);
  if (!found) throw new Error(`opa wrote no ${name}`);
  return new Uint8Array(Buffer.concat(chunks));
}
