import type { ArgType } from "@guardbee/policy";
import { argKind, argTypes, type PathStep } from "@guardbee/policy/sets";
import { type BtfTypes, btfKind, type Member } from "./types.ts";

/** Where a path leads, and what is there. */
export type FoundPath = {
  /** Of pointers that are to be read one after the other, each from where the one before leads; at last of the value. */
  readonly offsets: readonly number[];
  /** How many bytes are read there; 0: none, it is the place itself that counts. */
  readonly bytes: number;
  readonly isSigned: boolean;
  /** Of a bit field: how many bits are before it in these bytes, and how many it has. */
  readonly bits?: { readonly before: number; readonly count: number };
  /** As what it is read; undefined: its type says nothing of that. */
  readonly type: ArgType | undefined;
  /** It is a number, a pointer, or the place of something. */
  readonly is: "number" | "pointer" | "place";
  /** In C, for people. */
  readonly shown: string;
};

/** As many pointers as programs follow (bpf/engine/tables.h). */
export const mostPointers = 10;
const mostOffset = 1 << 24;
/** Typedefs of typedefs, and arrays of arrays. */
const mostDepth = 32;

/** Where `steps` lead from a struct of type `root`; a text: why they lead nowhere here. */
export function findPath(
  types: BtfTypes,
  root: number,
  steps: readonly PathStep[],
): FoundPath | string {
  const offsets = [0];
  let at: Place = { type: root, bits: 0, bitsBefore: 0, isPointedTo: true };
  for (const step of steps) {
    // A pointer leads on to what it points to; which of several that is, the step may say.
    while (!at.isPointedTo || step.kind === "member") {
      const type = plain(types, at.type);
      if (types.kind(type) !== btfKind.pointer) break;
      offsets.push(0);
      if (offsets.length > mostPointers + 1) return `follows more than ${mostPointers} pointers`;
      at = { type: types.target(type), bits: 0, bitsBefore: 0, isPointedTo: true };
    }
    const next =
      step.kind === "member" ? memberOf(types, at, step.name) : elementOf(types, at, step.number);
    if (typeof next === "string") return next;
    offsets[offsets.length - 1]! += next.offset;
    at = next.place;
    if (offsets.at(-1)! >= mostOffset) return "leads too far";
  }
  return valueAt(types, at, offsets);
}

type Place = {
  readonly type: number;
  readonly bits: number;
  readonly bitsBefore: number;
  /** It is where a pointer leads, of which no element was chosen. */
  readonly isPointedTo?: boolean;
};
type Next = { readonly offset: number; readonly place: Place };

/** Without typedefs, const and their like. */
function plain(types: BtfTypes, id: number): number {
  const { typedef, volatile, const: constant, restrict, typeTag } = btfKind;
  let type = id;
  for (let i = 0; i < mostDepth; i++) {
    const kind = types.kind(type);
    if (kind === btfKind.forward) return types.structNamed(types.name(type)) ?? type;
    if (![typedef, volatile, constant, restrict, typeTag].some((one) => one === kind)) return type;
    type = types.target(type);
  }
  return 0;
}

function memberOf(types: BtfTypes, { type: of }: Place, name: string): Next | string {
  const type = plain(types, of);
  if (!isStruct(types, type)) return `${inC(types, of)} has no members, and none ${name}`;
  const found = memberNamed(types, type, name);
  if (found === undefined) return `${inC(types, of)} has no member ${name}`;
  const { member, bitOffset } = found;
  return {
    offset: Math.floor(bitOffset / 8),
    place: { type: member.type, bits: member.bits, bitsBefore: bitOffset % 8 },
  };
}

function isStruct(types: BtfTypes, type: number): boolean {
  return [btfKind.struct, btfKind.union].some((one) => one === types.kind(type));
}

type Found = { readonly member: Member; readonly bitOffset: number };

/** Members of structs without a name are those of what has them, however deep that is. */
function memberNamed(types: BtfTypes, root: number, name: string): Found | undefined {
  const structs = new Map([[root, 0]]); // the loop takes in what it adds; each once, in broken types, too
  for (const [struct, before] of structs) {
    for (const member of types.members(struct)) {
      const bitOffset = before + member.bitOffset;
      if (member.name === name) return { member, bitOffset };
      if (member.name !== "") continue;
      const inner = plain(types, member.type);
      if (isStruct(types, inner) && !structs.has(inner)) structs.set(inner, bitOffset);
    }
  }
  return undefined;
}

function elementOf(types: BtfTypes, { type, isPointedTo }: Place, number: number): Next | string {
  if (isPointedTo) return element(types, type, number); // there may be several, how many nobody says
  const array = plain(types, type);
  if (types.kind(array) !== btfKind.array) return `${inC(types, type)} has no elements`;
  const { type: of, count } = types.element(array);
  if (count > 0 && number >= count) return `${inC(types, array)} has no element ${number}`;
  return element(types, of, number);
}

function element(types: BtfTypes, type: number, number: number): Next | string {
  const size = sizeOf(types, type);
  if (size === 0) return `${inC(types, type)} has no size`;
  return { offset: size * number, place: { type, bits: 0, bitsBefore: 0 } };
}

function sizeOf(types: BtfTypes, id: number, depth = 0): number {
  const type = plain(types, id);
  const { int, pointer, array, struct, union, enum: words, enum64, float } = btfKind;
  const kind = types.kind(type);
  if (kind === pointer) return 8;
  if ([int, struct, union, words, enum64, float].some((one) => one === kind)) {
    return types.size(type);
  }
  if (kind !== array || depth > mostDepth) return 0;
  const { type: of, count } = types.element(type);
  return sizeOf(types, of, depth + 1) * count;
}

/** What is read where a path ends. */
function valueAt(types: BtfTypes, at: Place, offsets: readonly number[]): FoundPath | string {
  const type = plain(types, at.type);
  const { int, pointer, array, enum: words, enum64 } = btfKind;
  const shown = inC(types, at.type);
  const kind = types.kind(type);
  const found = { offsets, bytes: 0, isSigned: false, shown };
  if (kind === int || kind === words || kind === enum64) {
    return numberAt(types, { ...at, type }, { offsets, shown });
  }
  if (kind === pointer) {
    const of = types.target(type);
    return {
      ...found,
      is: "pointer",
      bytes: 8,
      type: isCharacter(types, of) ? "string" : readAs(types, of),
    };
  }
  if (isStruct(types, type)) return { ...found, is: "place", type: readAs(types, at.type) };
  if (kind !== array) return `${shown} is nothing that can be read`;
  return {
    ...found,
    is: "place",
    type: isCharacter(types, types.element(type).type) ? "string" : undefined,
  };
}

function numberAt(
  types: BtfTypes,
  { type, bits, bitsBefore }: Place,
  { offsets, shown }: Pick<FoundPath, "offsets" | "shown">,
): FoundPath | string {
  const size = types.size(type);
  const isSigned = types.isSigned(type);
  const number = numbers[isSigned ? "signed" : "unsigned"][size];
  if (number === undefined) return `${shown} has ${size} bytes, and no number is read of so many`;
  const found = { offsets, isSigned, is: "number", type: number, shown } as const;
  if (bits === 0) return { ...found, bytes: size };
  const bytes = Math.ceil((bitsBefore + bits) / 8);
  if (bytes > 8 || bits > 64) return `${shown} is a field of ${bits} bits, in more than 8 bytes`;
  return { ...found, bytes, bits: { before: bitsBefore, count: bits } };
}

const numbers: Readonly<Record<"signed" | "unsigned", Readonly<Record<number, ArgType>>>> = {
  signed: { 1: "int8", 2: "int16", 4: "int", 8: "int64" },
  unsigned: { 1: "uint8", 2: "uint16", 4: "uint32", 8: "uint64" },
};

function isCharacter(types: BtfTypes, id: number): boolean {
  const type = plain(types, id);
  return types.kind(type) === btfKind.int && types.size(type) === 1 && types.name(type) === "char";
}

/** The type that policies have for a struct of that name: mostly the same word, as upstream. */
function typeOfStruct(name: string): ArgType | undefined {
  if (name === "sk_buff") return "skb";
  const type = argTypes.find((one) => one === name);
  // A struct fd is no number of a descriptor.
  return type === undefined || argKind(type).asksFollowed ? undefined : type;
}

function readAs(types: BtfTypes, id: number): ArgType | undefined {
  for (let type = id, i = 0; i < mostDepth; i++) {
    const name = types.name(type);
    if (types.kind(type) === btfKind.typedef && name === "kernel_cap_t") return "kernel_cap_t";
    if (types.kind(type) === btfKind.struct || types.kind(type) === btfKind.forward)
      return typeOfStruct(name);
    if (plain(types, type) === type) return undefined;
    type = types.target(type);
  }
  return undefined;
}

/** A type in C, as far as people need it. */
function inC(types: BtfTypes, id: number, depth = 0): string {
  const {
    pointer,
    array,
    struct,
    union,
    enum: words,
    enum64,
    const: constant,
    volatile,
    restrict,
    typeTag,
  } = btfKind;
  const kind = types.kind(id);
  if (depth > mostDepth || id === 0) return "void";
  if ([constant, volatile, restrict, typeTag].some((one) => one === kind)) {
    return inC(types, types.target(id), depth + 1);
  }
  const name = types.name(id) || "(anonymous)";
  if (kind === pointer) return `${inC(types, types.target(id), depth + 1)} *`;
  if (kind === array) {
    const { type, count } = types.element(id);
    return `${inC(types, type, depth + 1)}[${count}]`;
  }
  if (kind === struct) return `struct ${name}`;
  if (kind === union) return `union ${name}`;
  return kind === words || kind === enum64 ? `enum ${name}` : name;
}
