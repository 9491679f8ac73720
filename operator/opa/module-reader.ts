/** Thrown for bytes that are no module; the message says what it has, as the predicate of a sentence. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

/** Ids of sections (WebAssembly Core 3.0, 5.5.2) that a rewrite needs to know. */
export const sectionIds = {
  ...{ custom: 0, type: 1, import: 2, function: 3, export: 7, code: 10 },
} as const;

export type Section = { readonly id: number; readonly content: Uint8Array };

export const moduleHeader = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0] as const;

/** The sections of a module one after the other, as views of it. Throws Malformed. */
export function* sectionsOf(bytes: Uint8Array): Generator<Section, void> {
  const reader = new ModuleReader(bytes);
  const header = reader.take(moduleHeader.length);
  if (!moduleHeader.every((byte, i) => byte === header[i])) {
    throw new Malformed("does not begin as a WebAssembly module of version 1");
  }
  while (!reader.atEnd) yield { id: reader.byte(), content: reader.sized() };
}

/** In one list: what is read of a module takes no more memory than a few times its bytes. */
const mostItems = 100_000;

/** Reads forward through what the binary format is made of (Core 3.0, chapter 5). Throws Malformed. */
export class ModuleReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.byteLength - this.#at;
  }

  get atEnd(): boolean {
    return this.left === 0;
  }

  byte(): number {
    if (this.atEnd) throw new Malformed("ends in the middle");
    return this.#bytes[this.#at++]!;
  }

  /** Reads one byte; any but `value` means that the module has `otherwise`. */
  expect(value: number, otherwise: string): void {
    if (this.byte() !== value) throw new Malformed(`has ${otherwise}`);
  }

  take(count: number): Uint8Array {
    if (count > this.left) throw new Malformed("ends in the middle");
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  /** LEB128, at most 5 bytes (Core 3.0, 5.2.2). */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte >= 0x80) continue;
      if (value > 0xffffffff) break;
      return value;
    }
    throw new Malformed("has a number of more than 32 bits");
  }

  /** Bytes behind their length. */
  sized(): Uint8Array {
    return this.take(this.u32());
  }

  name(): string {
    const bytes = this.sized();
    try {
      return utf8.decode(bytes);
    } catch {
      throw new Malformed("has a name that is not UTF-8");
    }
  }

  /** A count, and as many items. */
  list<T>(read: (reader: ModuleReader) => T, most = mostItems): T[] {
    const count = this.u32();
    if (count > most) throw new Malformed(`has a list of ${count}, more than ${most}`);
    return Array.from({ length: count }, () => read(this));
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
