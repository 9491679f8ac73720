import { createHash } from "node:crypto";
import { closeSync, fstatSync, statfsSync } from "node:fs";
import type { Arg } from "@guardbee/policy";
import { describeFilePlace, type FilePlace } from "@guardbee/policy/sets";
import { type Bytes, bytesOfFile, ElfError } from "../elf/bytes.ts";
import { type Digest, digestOf } from "../elf/digest.ts";
import { readElf } from "../elf/elf.ts";
import { offsetsOf, type Wanted } from "../elf/locate.ts";
import { parseProbeArg } from "../elf/probe-arg.ts";
import { probesNamed } from "../elf/probes.ts";
import type { FileRoot, Refusal } from "../engine.ts";
import type { KernelError, Native } from "./native.ts";
import { isPassing } from "./refusal-of.ts";

/** How many answers are kept: as many places in files as policies name, and those of pods. */
const mostKnown = 4096;

/** A place in an open file: who has it closes it. */
export type FoundPlace = {
  readonly fd: number;
  /** Equal for files that are the same to the kernel, whatever mount they were reached by. */
  readonly key: string;
  readonly places: readonly PlaceInFile[];
};

/** An instruction, by its offset in the file. */
export type PlaceInFile = {
  readonly offset: number;
  /** Where in the file is counted who listens. */
  readonly refCtrOffset?: number;
  /** Of a probe: where its arguments are, as its author's compiler wrote it. */
  readonly args?: readonly string[];
};

/** Why there is no such place: `isAbsent` when there is not even the file. */
export type NoPlace = Refusal & { readonly isAbsent: boolean };

/** The files that programs and libraries are in, and where in them policies hook. */
export class ProgramFiles {
  readonly #native: Native;
  /** Where the node's root folder can be read. */
  readonly #hostRoot: string;
  /** What was found in a file that has not changed since: places, or why there are none. */
  readonly #known = new Map<string, readonly PlaceInFile[] | string>();
  /** Root folders of containers, all of them; written by KernelEngine. */
  containers: readonly FileRoot[] = [];

  constructor(native: Native, hostRoot: string) {
    this.#native = native;
    this.#hostRoot = hostRoot;
  }

  /** Why the node has no such place; undefined: it has. */
  whyNot(
    place: FilePlace,
    args: readonly Arg[],
    written: readonly Arg[] = [],
  ): Refusal | undefined {
    const found = this.onNode(place);
    if (!("reason" in found)) {
      closeSync(found.fd);
      const lacking = whyNotRead(found, args) ?? whyNotWritten(found, written);
      return lacking === undefined ? undefined : notFound(place, `of this node's file, ${lacking}`);
    }
    const { isAbsent: _, ...refusal } = found;
    return refusal;
  }

  /** The place in the node's file. */
  onNode(place: FilePlace): FoundPlace | NoPlace {
    const where = { root: this.#hostRoot, whose: "this node's", fix: nodeFix };
    return this.#open(place, where);
  }

  /** The place in a container's file. */
  inContainer(place: FilePlace, { path }: FileRoot): FoundPlace | NoPlace {
    return this.#open(place, { root: path, whose: "its", fix: "" });
  }

  #open(place: FilePlace, { root, whose, fix }: Where): FoundPlace | NoPlace {
    let fd: number;
    try {
      fd = this.#native.openInRoot(root, place.path);
    } catch (error) {
      const { code, message } = error as KernelError;
      const none = {
        ...notFound(place, `${whose} ${message}${fix}`),
        isAbsent: absences.has(code),
      };
      return isPassing(code) ? { ...none, reason: "LoadFailed", mayPass: true } : none;
    }
    const key = keyOf(fd);
    const places = this.#placesIn(fd, key, place);
    if (typeof places !== "string") return { fd, key, places };
    closeSync(fd);
    return { ...notFound(place, `of ${whose} file, ${places}`), isAbsent: false };
  }

  #placesIn(fd: number, file: string, place: FilePlace): readonly PlaceInFile[] | string {
    const key = `${file} ${JSON.stringify(place)}`;
    const known = this.#known.get(key) ?? find(fd, place);
    this.#known.delete(key);
    this.#known.set(key, known); // the latest used is the last
    if (this.#known.size > mostKnown) this.#known.delete(this.#known.keys().next().value!);
    return known;
  }
}

type Where = { readonly root: string; readonly whose: string; readonly fix: string };
const nodeFix = "; check the path, or select pods that have it";

/** There is no such file; of a container, it may also have ended. */
const absences: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ESRCH"]);

const overlayfs = 0x794c7630;

/**
 * Layers of images are seen by an overlay in each container, which gives the file's own number and
 * times, and a device of its own: by that, one file would be as many as there are containers, and a
 * program that is attached to each of them would run so many times.
 */
function keyOf(fd: number): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = fstatSync(fd, { bigint: true });
  const isLayered = statfsSync(`/proc/self/fd/${fd}`).type === overlayfs;
  const facts = [isLayered ? "overlay" : dev, ino, size, mtimeNs, ctimeNs].join(" ");
  return createHash("sha256").update(facts).digest("hex").slice(0, 16);
}
/** Where the place is in an open file, or what is wrong with the file. */
function find(fd: number, place: FilePlace): readonly PlaceInFile[] | string {
  try {
    const bytes = bytesOfFile(fd);
    if (place.kind === "usdt") return findProbe(bytes, place);
    const { refCtrOffset } = place;
    const digests = digestsOf(place);
    if (digests.length > 0 && digestOf(bytes, digests) === undefined) {
      return "the content has none of the policy's binaryDigests";
    }
    return offsetsOf(readElf(bytes), wantedOf(place)).map((offset) => ({
      offset,
      ...(refCtrOffset === undefined ? {} : { refCtrOffset }),
    }));
  } catch (error) {
    if (error instanceof ElfError) return error.message;
    throw error;
  }
}

type UprobePoint = FilePlace & { readonly kind: "uprobe" };
type UsdtPoint = FilePlace & { readonly kind: "usdt" };

function findProbe(bytes: Bytes, place: UsdtPoint): readonly PlaceInFile[] {
  const probes = probesNamed(readElf(bytes), place);
  if (probes.length === 0) {
    throw new ElfError(".note.stapsdt", `has no probe ${place.provider}:${place.name}`);
  }
  return probes.map(({ offset, semaphore, args }) => ({
    ...{ offset, args },
    ...(semaphore === undefined ? {} : { refCtrOffset: semaphore }),
  }));
}

/** Why `args` cannot be read at a probe; undefined: they can, or it is none. */
export function whyNotRead({ places }: FoundPlace, args: readonly Arg[]): string | undefined {
  const indexes = args.flatMap(({ index, sizeArgIndex = 0 }) =>
    sizeArgIndex === 0 ? [index] : [index, sizeArgIndex - 1],
  );
  for (const { args: there } of places) {
    for (const index of there === undefined ? [] : indexes) {
      const written = there?.[index];
      if (written === undefined)
        return `the probe has ${there?.length} arguments, none with index ${index}`;
      if (parseProbeArg(written) === undefined) {
        return `argument ${index} of the probe is where nothing can be read: ${written}`;
      }
    }
  }
  return undefined;
}

/** Why `written` cannot be written at a probe: four bytes in memory; undefined: they can. */
export function whyNotWritten({ places }: FoundPlace, written: readonly Arg[]): string | undefined {
  for (const { args = [] } of places) {
    for (const { index } of written) {
      const text = args[index] ?? "";
      const found = parseProbeArg(text);
      if (found?.at.kind === "memory" && found.bytes === 4) continue;
      return `argument ${index} of the probe is no four bytes of memory, which Set writes: ${text}`;
    }
  }
  return undefined;
}

function wantedOf({ symbol, offset = 0, address }: UprobePoint): Wanted {
  if (symbol !== undefined) return { symbol, offset };
  return address === undefined ? { offset } : { address };
}

function digestsOf({ digests = "" }: UprobePoint): readonly Digest[] {
  return digests.split(" ").flatMap((text) => {
    const [algorithm, hex] = text.split(":");
    return algorithm === undefined || hex === undefined ? [] : [{ algorithm, hex }];
  });
}

function notFound(place: FilePlace, why: string): Refusal {
  return { reason: "HookNotFound", message: `${describeFilePlace(place)}: ${why}` };
}
