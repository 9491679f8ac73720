import { type Bytes, ElfError } from "./bytes.ts";

/** A program's file, or a library's, of this machine and of 64 bits: elf(5). */
export type Elf = {
  readonly bytes: Bytes;
  /** It is loaded at the addresses that it has, and not at others. */
  readonly isFixed: boolean;
  readonly sections: readonly Section[];
  readonly segments: readonly Segment[];
};

export type Section = {
  readonly name: string;
  readonly type: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  /** Number of another section: of a symbol table the one that has its names. */
  readonly link: number;
};

/** A part of the file that is mapped into memory. */
export type Segment = {
  readonly type: number;
  readonly isCode: boolean;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
};

export const sectionType = { symtab: 2, note: 7, nobits: 8, dynsym: 11 } as const;
export const segmentType = { load: 1, note: 4 } as const;

const machines: Readonly<Record<string, readonly [code: number, name: string]>> = {
  x64: [62, "x86-64"],
  arm64: [183, "AArch64"],
};

/** More than any table of a real program has: to go through it would take too long. */
const mostSectionBytes = 512 << 20;

/** Reads the tables of `bytes`. Throws ElfError. */
export function readElf(bytes: Bytes, arch: string = process.arch): Elf {
  const head = bytes.read(0, Math.min(64, bytes.size), "e_ident");
  if (head.length < 64 || head.readUInt32BE(0) !== 0x7f454c46)
    throw new ElfError("e_ident", "is of no ELF file");
  if (head[4] !== 2 || head[5] !== 1) {
    throw new ElfError("e_ident", "is not of 64 bits, little-endian: it is for another machine");
  }
  const [code, name] = machines[arch] ?? [0, arch];
  const machine = head.readUInt16LE(18);
  if (machine !== code) throw new ElfError("e_machine", `is ${machine}, and not that of ${name}`);
  const type = head.readUInt16LE(16);
  if (type !== 2 && type !== 3) {
    throw new ElfError("e_type", `is ${type}: neither a program nor a shared library`);
  }
  return {
    ...{ bytes, isFixed: type === 2 },
    sections: readSections(bytes, head),
    segments: readSegments(bytes, head),
  };
}

/** Where in the file the byte is that is loaded at `address`; undefined: it is no code of it. */
export function codeOffset({ segments, bytes }: Elf, address: number): number | undefined {
  const segment = segments.find((one) => isCodeAt(one, address - one.address));
  const offset = segment && address - segment.address + segment.offset;
  return offset === undefined || offset >= bytes.size ? undefined : offset;
}

/** Whether the byte at `offset` of the file is code. */
export function isCode({ segments, bytes }: Elf, offset: number): boolean {
  return offset < bytes.size && segments.some((one) => isCodeAt(one, offset - one.offset));
}

function isCodeAt({ type, isCode, fileBytes }: Segment, at: number): boolean {
  return type === segmentType.load && isCode && at >= 0 && at < fileBytes;
}

function readSegments(bytes: Bytes, head: Buffer): readonly Segment[] {
  const [count, entry] = [head.readUInt16LE(56), head.readUInt16LE(54)];
  if (count === 0) return [];
  if (entry !== 56) throw new ElfError("e_phentsize", `is ${entry}, not 56`);
  const table = bytes.read(word(head, 32), count * 56, "e_phoff");
  return Array.from({ length: count }, (_, i): Segment => {
    const at = i * 56;
    return {
      type: table.readUInt32LE(at),
      isCode: (table.readUInt32LE(at + 4) & 1) !== 0,
      offset: word(table, at + 8),
      address: word(table, at + 16),
      fileBytes: word(table, at + 32),
    };
  });
}

function readSections(bytes: Bytes, head: Buffer): readonly Section[] {
  const [at, entry] = [word(head, 40), head.readUInt16LE(58)];
  if (at === 0) return [];
  if (entry !== 64) throw new ElfError("e_shentsize", `is ${entry}, not 64`);
  const first = bytes.read(at, 64, "e_shoff"); // which has what the head has no room for
  const count = head.readUInt16LE(60) || word(first, 32);
  if (count > 0xffff) throw new ElfError("e_shnum", `is ${count}, which is too many`);
  const table = bytes.read(at, count * 64, "e_shoff");
  const ofNames = head.readUInt16LE(62) === 0xffff ? first.readUInt32LE(40) : head.readUInt16LE(62);
  const names = ofNames < count ? sectionAt(table, ofNames) : undefined;
  const text = names && bytes.read(names.offset, names.size, "e_shstrndx");
  return Array.from({ length: count }, (_, i): Section => {
    const name = table.readUInt32LE(i * 64);
    return { ...sectionAt(table, i), name: text === undefined ? "" : textAt(text, name) };
  });
}

function sectionAt(table: Buffer, number: number): Omit<Section, "name"> {
  const at = number * 64;
  return {
    type: table.readUInt32LE(at + 4),
    address: word(table, at + 16),
    offset: word(table, at + 24),
    size: word(table, at + 32),
    link: table.readUInt32LE(at + 40),
  };
}

/** What is in the file of a section. Throws ElfError. */
export function contentOf({ bytes }: Elf, { name, type, offset, size }: Section): Buffer {
  if (type === sectionType.nobits) throw new ElfError(name, "is not in the file");
  return bytes.read(offset, size, name);
}

/** How much of a section is in memory at a time. */
const partBytes = 1 << 20;

/**
 * What is in the file of a section, in parts of a multiple of so many bytes, which `overlap` by so many
 * of the next. Throws ElfError.
 */
export function* partsOf(
  elf: Elf,
  { name, type, offset, size }: Section,
  { multipleOf, overlap }: { readonly multipleOf: number; readonly overlap: number },
): Generator<{ readonly at: number; readonly part: Buffer }> {
  if (type === sectionType.nobits) throw new ElfError(name, "is not in the file");
  if (size > mostSectionBytes) throw new ElfError(name, `has ${size} bytes, which is too many`);
  const step = Math.floor(partBytes / multipleOf) * multipleOf;
  for (let at = 0; at < size; at += step) {
    const length = Math.min(step + overlap, size - at);
    yield { at, part: elf.bytes.read(offset + at, length, name) };
  }
}

/** The 64 bits at `at`: no address or size of a program is beyond what a number holds exactly. */
export function word(buffer: Buffer, at: number): number {
  return Number(buffer.readBigUInt64LE(at));
}

/** The text at `at` up to its NUL, or as far as `buffer` goes. */
export function textAt(buffer: Buffer, at: number): string {
  if (at >= buffer.length) return "";
  const end = buffer.indexOf(0, at);
  return buffer.toString("utf8", at, end === -1 ? buffer.length : end);
}
