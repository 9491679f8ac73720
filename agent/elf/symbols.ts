import { ElfError } from "./bytes.ts";
import { contentOf, type Elf, partsOf, type Section, sectionType, textAt, word } from "./elf.ts";

/** A function by its name: `isChooser` when it only picks one of several (STT_GNU_IFUNC). */
export type FunctionSymbol = {
  readonly address: number;
  /** In bytes; 0: it does not say. */
  readonly size: number;
  readonly isChooser: boolean;
};

/** A function that says where it is loaded, and how long it is; 0 bytes: it does not say. */
export type NamedFunction = {
  readonly name: string;
  readonly address: number;
  readonly size: number;
};

const entryBytes = 24;
/** More functions of one name, or names that end with it, than any real program has. */
const [mostFunctions, mostPlaces] = [64, 4096];
/** Of st_info: none, a function, and what picks one. */
const [noType, aFunction, aChooser] = [0, 2, 10] as const;

/** Whether the file has a table of symbols at all. */
export function hasSymbols({ sections }: Elf): boolean {
  return sections.some(isTable);
}

/** The functions of that name: one of a library may have several versions. Throws ElfError. */
export function functionsNamed(elf: Elf, name: string): readonly FunctionSymbol[] {
  const found = new Map<number, FunctionSymbol>();
  for (const section of elf.sections.filter(isTable)) {
    for (const symbol of inTable(elf, section, name)) {
      if (!found.has(symbol.address)) found.set(symbol.address, symbol);
    }
  }
  return [...found.values()];
}

/** The names of all functions that are in the file, in their order. Throws ElfError. */
export function functionNames(elf: Elf): readonly string[] {
  const found = new Set<string>();
  for (const section of elf.sections.filter(isTable)) {
    const names = elf.sections[section.link];
    if (names === undefined) throw new ElfError("sh_link", `of ${section.name} is of no section`);
    const texts = contentOf(elf, names);
    for (const { part } of partsOf(elf, section, { multipleOf: entryBytes, overlap: 0 })) {
      for (let at = 0; at + entryBytes <= part.length; at += entryBytes) {
        const type = part[at + 4]! & 15;
        if (type !== aFunction || part.readUInt16LE(at + 6) === 0) continue;
        const name = textAt(texts, part.readUInt32LE(at));
        if (name !== "") found.add(name);
      }
    }
  }
  return [...found];
}

function isTable({ type }: Section): boolean {
  return type === sectionType.symtab || type === sectionType.dynsym;
}

function inTable(elf: Elf, section: Section, name: string): readonly FunctionSymbol[] {
  const names = elf.sections[section.link];
  if (names === undefined) throw new ElfError("sh_link", `of ${section.name} is of no section`);
  const places = placesOf(elf, names, name);
  if (places.size === 0) return [];
  const found: FunctionSymbol[] = [];
  for (const { part } of partsOf(elf, section, { multipleOf: entryBytes, overlap: 0 })) {
    for (let at = 0; at + entryBytes <= part.length; at += entryBytes) {
      if (!places.has(part.readUInt32LE(at))) continue;
      const type = part[at + 4]! & 15;
      const isDefined = part.readUInt16LE(at + 6) !== 0;
      if (!isDefined || (type !== noType && type !== aFunction && type !== aChooser)) continue;
      found.push({
        address: word(part, at + 8),
        size: word(part, at + 16),
        isChooser: type === aChooser,
      });
      if (found.length > mostFunctions) throw new ElfError(section.name, `has ${name} too often`);
    }
  }
  return found;
}

/** Where `name` is in a table of names, also as the end of a longer one. */
function placesOf(elf: Elf, names: Section, name: string): ReadonlySet<number> {
  const text = Buffer.from(`${name}\0`);
  const places = new Set<number>();
  for (const { at, part } of partsOf(elf, names, { multipleOf: 1, overlap: text.length - 1 })) {
    for (let i = part.indexOf(text); i !== -1; i = part.indexOf(text, i + 1)) {
      places.add(at + i);
      if (places.size > mostPlaces) throw new ElfError(names.name, `has ${name} too often`);
    }
  }
  return places;
}
