/** Why types cannot be used. */
export class BtfError extends Error {}

/** enum of kinds, as the kernel numbers them (include/uapi/linux/btf.h). */
export const btfKind = {
  ...{
    void: 0,
    int: 1,
    pointer: 2,
    array: 3,
    struct: 4,
    union: 5,
    enum: 6,
    forward: 7,
    typedef: 8,
  },
  ...{ volatile: 9, const: 10, restrict: 11, func: 12, funcProto: 13, variable: 14, dataSec: 15 },
  ...{ float: 16, declTag: 17, typeTag: 18, enum64: 19 },
} as const;

/** Bytes behind the 12 of each type: always so many, and so many more for each of `vlen`. */
const extraBytes: Readonly<Record<number, readonly [fixed: number, each: number]>> = {
  [btfKind.int]: [4, 0],
  [btfKind.pointer]: [0, 0],
  [btfKind.array]: [12, 0],
  [btfKind.struct]: [0, 12],
  [btfKind.union]: [0, 12],
  [btfKind.enum]: [0, 8],
  [btfKind.forward]: [0, 0],
  [btfKind.typedef]: [0, 0],
  [btfKind.volatile]: [0, 0],
  [btfKind.const]: [0, 0],
  [btfKind.restrict]: [0, 0],
  [btfKind.func]: [0, 0],
  [btfKind.funcProto]: [0, 8],
  [btfKind.variable]: [4, 0],
  [btfKind.dataSec]: [0, 12],
  [btfKind.float]: [0, 0],
  [btfKind.declTag]: [4, 0],
  [btfKind.typeTag]: [0, 0],
  [btfKind.enum64]: [0, 12],
};

/** Of a struct or union. */
export type Member = {
  readonly name: string;
  readonly type: number;
  readonly bitOffset: number;
  /** Of a bit field: how many bits it has; 0: it is none. */
  readonly bits: number;
};

const magic = 0xeb9f;
const headBytes = 24;
/** More than any kernel has. */
const mostTypes = 2_000_000;

/** Types in the kernel's binary form. What is behind `base`, a module's, goes on counting from there. */
export class BtfTypes {
  readonly #bytes: Buffer;
  readonly #base: BtfTypes | undefined;
  /** Where each type is, from `#first` on. */
  readonly #at: Uint32Array;
  readonly #first: number;
  /** Where texts are in `#bytes`, and which number the first byte of them has. */
  readonly #texts: { readonly at: number; readonly size: number; readonly first: number };

  /** Throws BtfError. */
  constructor(bytes: Buffer, base?: BtfTypes) {
    this.#bytes = bytes;
    this.#base = base;
    if (bytes.length < headBytes || bytes.readUInt16LE(0) !== magic) {
      throw new BtfError("there is no BTF of this machine's byte order in it");
    }
    const head = bytes.readUInt32LE(4);
    const [typesAt, typeBytes, textsAt, textBytes] = [8, 12, 16, 20].map((at) =>
      bytes.readUInt32LE(at),
    ) as [number, number, number, number];
    const [from, to] = [head + typesAt, head + typesAt + typeBytes];
    if (head < headBytes || to > bytes.length || head + textsAt + textBytes > bytes.length) {
      throw new BtfError("its BTF is cut off");
    }
    this.#texts = { at: head + textsAt, size: textBytes, first: base?.textEnd ?? 0 };
    this.#first = base?.count ?? 1;
    this.#at = this.#index(from, to);
  }

  /** One more than the highest number of a type. */
  get count(): number {
    return this.#first + this.#at.length;
  }

  get textEnd(): number {
    return this.#texts.first + this.#texts.size;
  }

  #index(from: number, to: number): Uint32Array {
    const found: number[] = [];
    for (let at = from; at < to; ) {
      if (at + 12 > to) throw new BtfError("its last type is cut off");
      const info = this.#bytes.readUInt32LE(at + 4);
      const extra = extraBytes[(info >>> 24) & 0x1f];
      if (extra === undefined) throw new BtfError(`it has a type of kind ${(info >>> 24) & 0x1f}`);
      if (found.length >= mostTypes) throw new BtfError("it has too many types");
      found.push(at);
      at += 12 + extra[0] + extra[1] * (info & 0xffff);
      if (at > to) throw new BtfError("its last type is cut off");
    }
    return Uint32Array.from(found);
  }

  /** Who has the type, and where in its bytes; undefined: it is void, or there is none. */
  #place(id: number): { readonly of: BtfTypes; readonly at: number } | undefined {
    if (id >= this.#first) {
      const at = this.#at[id - this.#first];
      return at === undefined ? undefined : { of: this, at };
    }
    return this.#base?.placeIn(id);
  }

  placeIn(id: number) {
    return this.#place(id);
  }

  #u32(id: number, behind: number): number {
    const place = this.#place(id);
    return place === undefined ? 0 : place.of.wordAt(place.at + behind);
  }

  wordAt(at: number): number {
    return this.#bytes.readUInt32LE(at);
  }

  /** One of `btfKind`. */
  kind(id: number): number {
    return (this.#u32(id, 4) >>> 24) & 0x1f;
  }

  name(id: number): string {
    return this.text(this.#u32(id, 0));
  }

  text(at: number): string {
    const { at: texts, size, first } = this.#texts;
    if (at < first) return this.#base?.text(at) ?? "";
    if (at - first >= size) return "";
    const start = texts + at - first;
    const end = this.#bytes.indexOf(0, start);
    return this.#bytes.toString("latin1", start, Math.min(end === -1 ? start : end, start + 256));
  }

  /** In bytes, of what has one of its own. */
  size(id: number): number {
    return this.#u32(id, 8);
  }

  /** What a pointer, a typedef and its like are of. */
  target(id: number): number {
    return this.#u32(id, 8);
  }

  element(id: number): { readonly type: number; readonly count: number } {
    return { type: this.#u32(id, 12), count: this.#u32(id, 20) };
  }

  /** Of an int, or an enum. */
  isSigned(id: number): boolean {
    if (this.kind(id) === btfKind.int) return ((this.#u32(id, 12) >>> 24) & 1) !== 0;
    return this.#u32(id, 4) >>> 31 === 1;
  }

  /** Of a struct or union alone: others have something else, or nothing, where it looks. */
  members(id: number): readonly Member[] {
    const info = this.#u32(id, 4);
    const hasBits = info >>> 31 === 1;
    return Array.from({ length: info & 0xffff }, (_, i): Member => {
      const offset = this.#u32(id, 12 + 12 * i + 8);
      return {
        name: this.text(this.#u32(id, 12 + 12 * i)),
        type: this.#u32(id, 12 + 12 * i + 4),
        bitOffset: hasBits ? offset & 0xffffff : offset,
        bits: hasBits ? offset >>> 24 : 0,
      };
    });
  }

  /** The struct of that name that has members; undefined: there is none. */
  structNamed(name: string): number | undefined {
    for (let id = this.#first; id < this.count; id++) {
      const { struct, union } = btfKind;
      const kind = this.kind(id);
      if ((kind === struct || kind === union) && this.name(id) === name) return id;
    }
    return this.#base?.structNamed(name);
  }
}
