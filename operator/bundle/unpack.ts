import { Readable } from "node:stream";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { extract } from "tar-stream";
import type { BundleLimits } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";
import { parseBundlePath } from "./bundle-path.ts";

/** The plain files of a bundle by path. No path is also a folder of another. */
export type BundleFiles = ReadonlyMap<string, Buffer>;

const inflate = promisify(gunzip);

/**
 * The files of a gzipped tarball, inflated no further than the limits. Links, devices, paths that lead
 * out and paths that come twice are refused: a bundle has no honest use for them.
 */
export async function unpackTarball(
  tarball: Uint8Array,
  limits: BundleLimits,
): Promise<BundleFiles> {
  assertCompressedSize(tarball.byteLength, limits);
  const collector = new FileCollector(limits);
  const parser = extract();
  const source = Readable.from([await inflateWithin(tarball, limits)], { objectMode: false });
  source.on("error", (error) => parser.destroy(error));
  source.pipe(parser);
  try {
    for await (const entry of parser) {
      if (entry.header.type === "directory") {
        entry.resume();
        continue;
      }
      if (entry.header.type !== "file") {
        const what = entry.header.type ?? "of an unknown type";
        throw unsafe(entry.header.name, `is no plain file (${what})`);
      }
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      collector.add(entry.header.name, Buffer.concat(chunks));
    }
  } catch (error) {
    if (error instanceof BundleError) throw error;
    throw new BundleError(
      "NotABundle",
      `bundle: is no tar archive (${(error as Error).message}); build it with opa build`,
      { cause: error },
    );
  }
  return collector.files();
}

/** Loose files under the same rules as those of a tarball. */
export function collectFiles(
  entries: Iterable<readonly [path: string, content: Buffer]>,
  limits: BundleLimits,
): BundleFiles {
  const collector = new FileCollector(limits);
  for (const [path, content] of entries) collector.add(path, content);
  return collector.files();
}

/** TooLarge when a tarball of this size is more than what is allowed. */
export function assertCompressedSize(bytes: number, limits: BundleLimits): void {
  if (bytes <= limits.compressedBytes) return;
  throw new BundleError(
    "TooLarge",
    `bundle: has ${bytes} bytes, at most ${limits.compressedBytes} are allowed; leave out what the policy does not need`,
  );
}

async function inflateWithin(tarball: Uint8Array, limits: BundleLimits): Promise<Buffer> {
  try {
    return await inflate(tarball, { maxOutputLength: limits.unpackedBytes });
  } catch (error) {
    if ((error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") {
      throw new BundleError(
        "TooLarge",
        `bundle: unpacks to more than ${limits.unpackedBytes} bytes; leave out what the policy does not need`,
        { cause: error },
      );
    }
    throw new BundleError(
      "NotABundle",
      `bundle: is not gzip (${(error as Error).message}); serve the file that opa build writes`,
      { cause: error },
    );
  }
}

/** Files under way into a BundleFiles. */
class FileCollector {
  readonly #limits: BundleLimits;
  /** Written by add only. */
  readonly #files = new Map<string, Buffer>();
  /** Every folder that a file is in. Written by add only. */
  readonly #folders = new Set<string>();
  /** Written by add only. */
  #bytes = 0;

  constructor(limits: BundleLimits) {
    this.#limits = limits;
  }

  add(rawPath: string, content: Buffer): void {
    const path = parseBundlePath(rawPath);
    if (this.#files.has(path)) throw unsafe(path, "is there twice");
    if (this.#files.size >= this.#limits.files) {
      throw new BundleError(
        "TooLarge",
        `bundle: has more than ${this.#limits.files} files; join them or leave some out`,
      );
    }
    this.#bytes += content.byteLength;
    if (this.#bytes > this.#limits.unpackedBytes) {
      throw new BundleError(
        "TooLarge",
        `bundle: has more than ${this.#limits.unpackedBytes} bytes; leave out what the policy does not need`,
      );
    }
    this.#files.set(path, content);
    for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
      this.#folders.add(path.slice(0, at));
    }
  }

  files(): BundleFiles {
    if (this.#files.size === 0) {
      throw new BundleError("NotABundle", "bundle: has no files; build it with opa build");
    }
    for (const path of this.#files.keys()) {
      if (this.#folders.has(path)) throw unsafe(path, "is a file and a folder");
    }
    return this.#files;
  }
}

function unsafe(path: string, problem: string): BundleError {
  const shown = JSON.stringify(path.slice(0, 200));
  return new BundleError(
    "UnsafePath",
    `bundle: ${shown} ${problem}; build the bundle with opa build`,
  );
}
