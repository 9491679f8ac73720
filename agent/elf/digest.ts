import { createHash } from "node:crypto";
import { type Bytes, ElfError } from "./bytes.ts";
import { type Elf, readElf, segmentType } from "./elf.ts";
import { type Note, notesIn } from "./notes.ts";

/** A digest of a file as a policy has it: `sha256:0f...`. */
export type Digest = { readonly algorithm: string; readonly hex: string };

/** Of a larger file no digest is told. */
const mostBytes = 1 << 30;
/** How much is read at a time. */
const partBytes = 1 << 20;

/** Which of `digests` the file has; undefined: none of them. Throws ElfError. */
export function digestOf(bytes: Bytes, digests: readonly Digest[]): Digest | undefined {
  const have = new Map<string, string | undefined>();
  return digests.find(({ algorithm, hex }) => {
    if (!have.has(algorithm)) {
      const value = algorithm === "build-id" ? buildId(readElf(bytes)) : hashOf(bytes, algorithm);
      have.set(algorithm, value);
    }
    return have.get(algorithm) === hex;
  });
}

/** In hexadecimal; undefined: it has none. Throws ElfError. */
export function buildId(elf: Elf): string | undefined {
  const notes = elf.segments
    .filter(({ type }) => type === segmentType.note)
    .flatMap(({ offset, fileBytes }) => notesIn(elf.bytes.read(offset, fileBytes, "PT_NOTE")));
  return notes.find(isBuildId)?.content.toString("hex");
}

function isBuildId({ owner, type }: Note): boolean {
  return owner === "GNU" && type === 3;
}

function hashOf(bytes: Bytes, algorithm: string): string {
  if (bytes.size > mostBytes) throw new ElfError("content", `has ${bytes.size} bytes, too many`);
  const hash = createHash(algorithm);
  for (let at = 0; at < bytes.size; at += partBytes) {
    hash.update(bytes.read(at, Math.min(partBytes, bytes.size - at), "content"));
  }
  return hash.digest("hex");
}
