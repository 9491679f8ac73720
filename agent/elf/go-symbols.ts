import { ElfError } from "./bytes.ts";
import { contentOf, type Elf, textAt, word } from "./elf.ts";
import type { FunctionSymbol, NamedFunction } from "./symbols.ts";

// A Go program keeps the names of its functions for its stack traces (runtime/symtab.go, moduledata
// and pcHeader), also when it is stripped.

/** Go has each name once. */
const mostPlaces = 64;
const sectionNames = [".gopclntab", ".data.rel.ro.gopclntab", ".data.rel.ro..gopclntab"];
/** By the table's first number: Go 1.16, 1.18 and 1.20, which is the latest. */
const addressesBegin: Readonly<Record<number, boolean>> = {
  4294967290: false,
  4294967280: true,
  4294967281: true,
};

/** Whether it is a program made by Go, with the table of its functions. */
export function isGo({ sections }: Elf): boolean {
  return sections.some(({ name }) => sectionNames.includes(name));
}

/** The functions that Go calls so (`main.run`). Throws ElfError. */
export function goFunctionsNamed(elf: Elf, name: string): readonly FunctionSymbol[] {
  const table = tableOf(elf);
  const places = placesIn(table, name);
  if (places.size === 0) return [];
  const found: FunctionSymbol[] = [];
  for (const { nameAt, address, size } of entriesOf(table)) {
    if (!places.has(nameAt)) continue;
    if (found.length > mostPlaces) throw new ElfError("functab", `has ${name} too often`);
    found.push({ address, size, isChooser: false });
  }
  return found;
}

/** All functions of the program. Throws ElfError. */
export function goFunctions(elf: Elf): readonly NamedFunction[] {
  const table = tableOf(elf);
  return Array.from(entriesOf(table), ({ nameAt, address, size }) => ({
    ...{ name: textAt(table.names, nameAt), address, size },
  })).filter(({ name }) => name !== "");
}

function* entriesOf({ functions, width, count, begin }: Table) {
  for (let i = 0; i < count; i++) {
    const at = number(functions, (2 * i + 1) * width, width);
    const end = at + (begin === undefined ? 8 : 4);
    if (end + 4 > functions.length)
      throw new ElfError("functab", `has function ${i} outside of it`);
    const [address, next] = [2 * i, 2 * i + 2].map((n) => number(functions, n * width, width));
    const nameAt = functions.readUInt32LE(end);
    yield { nameAt, address: (begin ?? 0) + address!, size: next! - address! };
  }
}

/** What is read of the table: Go's names, and for each function where it begins and its name is. */
type Table = {
  readonly names: Buffer;
  /** Two numbers of `width` bytes a function, the end of the last, and behind them what they lead to. */
  readonly functions: Buffer;
  readonly width: 4 | 8;
  readonly count: number;
  /** Where addresses are counted from; undefined: they are whole ones. */
  readonly begin: number | undefined;
};

function tableOf(elf: Elf): Table {
  const section = elf.sections.find(({ name }) => sectionNames.includes(name));
  if (section === undefined) throw new ElfError("sections", "have no .gopclntab");
  const content = contentOf(elf, section);
  if (content.length < 72) throw new ElfError("pcHeader", `has ${content.length} bytes`);
  const magic = content.readUInt32LE(0);
  const counted = addressesBegin[magic];
  if (counted === undefined || content[7] !== 8) {
    throw new ElfError("pcHeader.magic", `is 0x${magic.toString(16)}: not of Go 1.16 or later`);
  }
  const field = (n: number) => word(content, 8 + 8 * n);
  const first = counted ? 3 : 2; // the offsets begin, of names and of functions among them
  const [count, namesAt, namesEnd, at] = [
    field(0),
    field(first),
    field(first + 1),
    field(first + 4),
  ];
  const width = counted ? 4 : 8;
  if (namesAt > content.length || at > content.length || namesEnd < namesAt) {
    throw new ElfError("pcHeader.funcnameOffset", `is ${namesAt}, of ${content.length} bytes`);
  }
  const functions = content.subarray(at);
  if ((2 * count + 1) * width > functions.length) {
    throw new ElfError("pcHeader.nfunc", `is ${count}, for which there is no room`);
  }
  const begin = counted ? textStart(elf, field(2)) : undefined;
  return { names: content.subarray(namesAt, namesEnd), functions, width, count, begin };
}

/** Of a program that is loaded anywhere, and of later versions of Go, the table does not say it. */
function textStart({ sections }: Elf, said: number): number {
  if (said !== 0) return said;
  const text = sections.find(({ name }) => name === ".text");
  if (text === undefined) throw new ElfError("pcHeader.textStart", "is 0, and there is no .text");
  return text.address;
}

function placesIn({ names }: Table, name: string): ReadonlySet<number> {
  const text = Buffer.from(`\0${name}\0`);
  const places = new Set<number>();
  if (names.indexOf(text.subarray(1)) === 0) places.add(0);
  for (let at = names.indexOf(text); at !== -1; at = names.indexOf(text, at + 1)) {
    places.add(at + 1);
    if (places.size > mostPlaces) throw new ElfError("funcnametab", `has ${name} too often`);
  }
  return places;
}

function number(buffer: Buffer, at: number, width: 4 | 8): number {
  return width === 4 ? buffer.readUInt32LE(at) : word(buffer, at);
}
