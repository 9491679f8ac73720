import { closeSync, fstatSync } from "node:fs";
import { describeFilePlace, type FilePlace } from "@guardbee/policy/sets";
import { bytesOfFile, ElfError } from "../elf/bytes.ts";
import { type Digest, digestOf } from "../elf/digest.ts";
import { readElf } from "../elf/elf.ts";
import { offsetsOf, type Wanted } from "../elf/locate.ts";
import type { Refusal } from "../engine.ts";
import type { KernelError, Link, Native } from "./native.ts";
import { isPassing } from "./refusal-of.ts";

/** How many answers are kept: as many places in files as policies name, and those of pods. */
const mostKnown = 1024;

/** The files that programs and libraries are in, and where in them policies hook. */
export class ProgramFiles {
  readonly #native: Native;
  /** Where the node's root folder can be read. */
  readonly #hostRoot: string;
  /** What was found in a file that has not changed since: offsets, or why there are none. */
  readonly #known = new Map<string, readonly number[] | string>();

  constructor(native: Native, hostRoot: string) {
    this.#native = native;
    this.#hostRoot = hostRoot;
  }

  /** Why the node has no such place; undefined: it has. */
  whyNot(place: FilePlace): Refusal | undefined {
    const found = this.#open(place);
    if ("reason" in found) return found;
    closeSync(found.fd);
    return undefined;
  }

  /** Attaches what is pinned at `program` in the node's file. Throws KernelError, or that there is no such place. */
  attach(program: string, place: FilePlace): Link {
    const found = this.#open(place);
    if ("reason" in found) throw new Error(found.message);
    try {
      return this.#native.attachUprobe(program, {
        // The file that was looked into, whatever has its name by now.
        path: `/proc/self/fd/${found.fd}`,
        offsets: found.offsets,
        ...(place.refCtrOffset === undefined ? {} : { refCtrOffset: place.refCtrOffset }),
      });
    } finally {
      closeSync(found.fd);
    }
  }

  #open(place: FilePlace): { readonly fd: number; readonly offsets: readonly number[] } | Refusal {
    let fd: number;
    try {
      fd = this.#native.openInRoot(this.#hostRoot, place.path);
    } catch (error) {
      const { code, message } = error as KernelError;
      const refusal = notFound(place, `this node's ${message}; check the path`);
      return isPassing(code) ? { ...refusal, reason: "LoadFailed", mayPass: true } : refusal;
    }
    const offsets = this.#offsetsIn(fd, place);
    if (typeof offsets !== "string") return { fd, offsets };
    closeSync(fd);
    return notFound(place, `of this node's file, ${offsets}`);
  }

  #offsetsIn(fd: number, place: FilePlace): readonly number[] | string {
    const { dev, ino, size, mtimeNs, ctimeNs } = fstatSync(fd, { bigint: true });
    const key = JSON.stringify([...[dev, ino, size, mtimeNs, ctimeNs].map(String), place]);
    const known = this.#known.get(key) ?? find(fd, place);
    this.#known.delete(key);
    this.#known.set(key, known); // the latest used is the last
    if (this.#known.size > mostKnown) this.#known.delete(this.#known.keys().next().value!);
    return known;
  }
}

/** The place's offsets in an open file, or what is wrong with the file. */
function find(fd: number, place: FilePlace): readonly number[] | string {
  try {
    const bytes = bytesOfFile(fd);
    const digests = digestsOf(place);
    if (digests.length > 0 && digestOf(bytes, digests) === undefined) {
      return "the content has none of the policy's binaryDigests";
    }
    return offsetsOf(readElf(bytes), wantedOf(place));
  } catch (error) {
    if (error instanceof ElfError) return error.message;
    throw error;
  }
}

function wantedOf({ symbol, offset = 0, address }: FilePlace): Wanted {
  if (symbol !== undefined) return { symbol, offset };
  return address === undefined ? { offset } : { address };
}

function digestsOf({ digests = "" }: FilePlace): readonly Digest[] {
  return digests.split(" ").flatMap((text) => {
    const [algorithm, hex] = text.split(":");
    return algorithm === undefined || hex === undefined ? [] : [{ algorithm, hex }];
  });
}

function notFound(place: FilePlace, why: string): Refusal {
  return { reason: "HookNotFound", message: `${describeFilePlace(place)}: ${why}` };
}
