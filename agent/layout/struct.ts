/** Structs in the byte order of the kernel side, which is little-endian, as `../gen/layout.ts` has them. */
export type Struct = { readonly size: number; readonly fields: Readonly<Record<string, Field>> };
/** `type` is an integer's or a struct's; with `count`, so many of them one after the other. */
export type Field = {
  readonly at: number;
  readonly type: Integer | Struct;
  readonly count?: number;
};
export type Integer = keyof typeof integers;

/** What each field holds. Integers of 8 bytes are bigints; arrays may be shorter than their field. */
export type Values<S extends Struct> = {
  readonly [Name in keyof S["fields"]]: ValueOf<S["fields"][Name]>;
};
type ValueOf<F extends Field> = F extends { readonly count: number }
  ? ArrayLike<Element<F["type"]>>
  : Element<F["type"]>;
type Element<T extends Field["type"]> = T extends "u64" | "s64"
  ? bigint
  : T extends Integer
    ? number
    : T extends Struct
      ? Partial<Values<T>>
      : never;

/** The bytes of one struct; fields without a value are zero. Throws RangeError as `write` does. */
export function bytesOf<S extends Struct>(struct: S, values: Partial<Values<S>>): Uint8Array {
  const bytes = new Uint8Array(struct.size);
  write(bytes, struct, values);
  return bytes;
}

/**
 * Sets the fields that `values` has of the struct at `at` of `bytes`, which may end before fields
 * that are not set. Throws RangeError for a number that a field cannot hold and for too long an array.
 */
export function write<S extends Struct>(
  bytes: Uint8Array,
  struct: S,
  values: Partial<Values<S>>,
  at = 0,
): void {
  writeFields(viewOf(bytes), struct, values, at);
}

/** What is in the struct at `at` of `bytes`, all fields of it. */
export function read<S extends Struct>(bytes: Uint8Array, struct: S, at = 0): Read<S> {
  return readElement(viewOf(bytes), struct, at) as Read<S>;
}
export type Read<S extends Struct> = {
  readonly [Name in keyof S["fields"]]: ReadValue<S["fields"][Name]>;
};
type ReadValue<F extends Field> = F extends { readonly count: number }
  ? readonly ReadElement<F["type"]>[]
  : ReadElement<F["type"]>;
type ReadElement<T extends Field["type"]> = T extends Struct ? Read<T> : Element<T>;

/**
 * Offsets of a struct's fields, by type and name, for code that runs often: it takes them once and
 * reads `at + u32.pid` itself. `u8` has those of arrays of bytes, too, `structs` those of structs in it.
 */
export type Offsets<S extends Struct> = {
  readonly [T in Integer]: {
    readonly [N in keyof S["fields"] as S["fields"][N]["type"] extends T ? N : never]: number;
  };
} & {
  readonly structs: {
    readonly [N in keyof S["fields"] as S["fields"][N]["type"] extends Struct ? N : never]: number;
  };
};

export function offsetsOf<S extends Struct>(struct: S): Offsets<S> {
  const kinds = [...Object.keys(integers), "structs"];
  const offsets = Object.fromEntries(kinds.map((kind) => [kind, {} as Record<string, number>]));
  for (const [name, { at, type }] of Object.entries(struct.fields)) {
    offsets[typeof type === "string" ? type : "structs"]![name] = at;
  }
  return offsets as Offsets<S>;
}

type IntegerCodec = {
  readonly size: number;
  readonly least: bigint | number;
  readonly most: bigint | number;
  get(view: DataView, at: number): bigint | number;
  set(view: DataView, at: number, value: bigint | number): void;
};

const integers = {
  u8: {
    ...{ size: 1, least: 0, most: 0xff },
    get: (view, at) => view.getUint8(at),
    set: (view, at, value) => view.setUint8(at, Number(value)),
  },
  u16: {
    ...{ size: 2, least: 0, most: 0xffff },
    get: (view, at) => view.getUint16(at, true),
    set: (view, at, value) => view.setUint16(at, Number(value), true),
  },
  u32: {
    ...{ size: 4, least: 0, most: 0xffff_ffff },
    get: (view, at) => view.getUint32(at, true),
    set: (view, at, value) => view.setUint32(at, Number(value), true),
  },
  u64: {
    ...{ size: 8, least: 0n, most: 2n ** 64n - 1n },
    get: (view, at) => view.getBigUint64(at, true),
    set: (view, at, value) => view.setBigUint64(at, BigInt(value), true),
  },
  s8: {
    ...{ size: 1, least: -0x80, most: 0x7f },
    get: (view, at) => view.getInt8(at),
    set: (view, at, value) => view.setInt8(at, Number(value)),
  },
  s16: {
    ...{ size: 2, least: -0x8000, most: 0x7fff },
    get: (view, at) => view.getInt16(at, true),
    set: (view, at, value) => view.setInt16(at, Number(value), true),
  },
  s32: {
    ...{ size: 4, least: -0x8000_0000, most: 0x7fff_ffff },
    get: (view, at) => view.getInt32(at, true),
    set: (view, at, value) => view.setInt32(at, Number(value), true),
  },
  s64: {
    ...{ size: 8, least: -(2n ** 63n), most: 2n ** 63n - 1n },
    get: (view, at) => view.getBigInt64(at, true),
    set: (view, at, value) => view.setBigInt64(at, BigInt(value), true),
  },
} as const satisfies Readonly<Record<string, IntegerCodec>>;

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function writeFields(
  view: DataView,
  { fields }: Struct,
  values: Readonly<Record<string, unknown>>,
  at: number,
): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const field = fields[name]!;
    const { count, type } = field;
    if (count === undefined) {
      writeElement(view, { name, type }, value, at + field.at);
      continue;
    }
    const elements = value as ArrayLike<unknown>;
    if (elements.length > count) {
      throw new RangeError(`${name}: has room for ${count}, not for ${elements.length}`);
    }
    const step = sizeOf(type);
    for (let i = 0; i < elements.length; i++) {
      writeElement(view, { name, type }, elements[i], at + field.at + i * step);
    }
  }
}

function writeElement(
  view: DataView,
  { name, type }: { readonly name: string; readonly type: Field["type"] },
  value: unknown,
  at: number,
): void {
  if (typeof type !== "string") {
    writeFields(view, type, value as Readonly<Record<string, unknown>>, at);
    return;
  }
  const { least, most, set }: IntegerCodec = integers[type];
  const number = value as bigint | number;
  if (!(number >= least && number <= most)) {
    throw new RangeError(`${name}: ${number} is not in ${least} to ${most}`);
  }
  set(view, at, number);
}

function readElement(view: DataView, type: Field["type"], at: number): unknown {
  if (typeof type === "string") return integers[type].get(view, at);
  return Object.fromEntries(
    Object.entries(type.fields).map(([name, field]) => [name, readField(view, field, at)]),
  );
}

function readField(view: DataView, { at, type, count }: Field, start: number): unknown {
  if (count === undefined) return readElement(view, type, start + at);
  const step = sizeOf(type);
  return Array.from({ length: count }, (_, i) => readElement(view, type, start + at + i * step));
}

function sizeOf(type: Field["type"]): number {
  return typeof type === "string" ? integers[type].size : type.size;
}
