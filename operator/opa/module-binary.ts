/** The sections of a WebAssembly module that a rewrite needs to know (core specification, 5.5). */
export const sectionIds = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  export: 7,
  code: 10,
} as const;

export type Section = { readonly id: number; readonly content: Uint8Array };

const headerBytes = 8;

/** The sections of a module, as views of it. Throws RangeError when it ends too early. */
export function readSections(module: Uint8Array): readonly Section[] {
  const reader = new BinaryReader(module);
  reader.bytes(headerBytes);
  const sections: Section[] = [];
  while (!reader.atEnd) sections.push({ id: reader.byte(), content: reader.sized() });
  return sections;
}

/** The module that has these sections. */
export function writeSections(
  module: Uint8Array,
  sections: readonly Section[],
): Uint8Array<ArrayBuffer> {
  const parts = sections.flatMap(({ id, content }) => [Uint8Array.of(id), sized(content)]);
  return joined([module.subarray(0, headerBytes), ...parts]);
}

/** `content` behind its length. */
export function sized(content: Uint8Array): Uint8Array<ArrayBuffer> {
  return joined([unsigned(content.byteLength), content]);
}

/** A vector: how many, then each. */
export function vector(members: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return joined([unsigned(members.length), ...members]);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}

/** Unsigned LEB128 of a whole number below 2^32. */
export function unsigned(value: number): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Uint8Array.of(...bytes, rest);
}

/** Signed LEB128 of a whole number from 0 on, below 2^31, as the operand of `i32.const`. */
export function signed(value: number): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x3f; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Uint8Array.of(...bytes, rest);
}

/** Reads what the binary format is made of; RangeError past the end. */
export class BinaryReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.byteLength;
  }

  byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new RangeError("is no module: it ends too early");
    return byte;
  }

  /** Unsigned LEB128 of at most 32 bits. */
  unsigned(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 28; factor *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new RangeError("is no module: it has a number of more than 32 bits");
  }

  bytes(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.byteLength) throw new RangeError("is no module: it ends too early");
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  /** Bytes behind their length. */
  sized(): Uint8Array {
    return this.bytes(this.unsigned());
  }

  text(): string {
    return new TextDecoder().decode(this.sized());
  }

  /** As many members as the number in front says. */
  vector<T>(member: () => T): T[] {
    const length = this.unsigned();
    const members: T[] = [];
    for (let i = 0; i < length; i++) members.push(member());
    return members;
  }
}
