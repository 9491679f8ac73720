import { ElfError } from "./bytes.ts";
import { type Elf, type Section, sectionType, segmentType, textAt, word } from "./elf.ts";
import { goFunctions, isGo } from "./go-symbols.ts";
import type { NamedFunction } from "./symbols.ts";

/** The functions of a file, by where in it they are. */
export type FunctionTable = {
  /** Offsets in the file, ascending; each function ends before its `ends`. */
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  readonly names: readonly string[];
};

const entryBytes = 24;
/** 700,000 symbols. Who asks waits for them to be read. */
const mostTableBytes = 16 << 20;
const functionTypes: readonly number[] = [2, 10]; // STT_FUNC, STT_GNU_IFUNC

/** All functions of the file that have a name. Throws ElfError. */
export function functionTable(elf: Elf): FunctionTable {
  const named = elf.sections.filter(isTable).flatMap((section) => functionsIn(elf, section));
  const found = named.length === 0 && isGo(elf) ? goFunctions(elf) : named;
  const placed = found
    .map(({ name, address, size }) => ({ name, start: offsetOf(elf, address), size }))
    .filter(({ start }) => start >= 0)
    .sort((a, b) => a.start - b.start || rankOf(a.name) - rankOf(b.name));
  const first = placed.filter(({ start }, i) => placed[i - 1]?.start !== start);
  return {
    starts: Float64Array.from(first, ({ start }) => start),
    ends: Float64Array.from(first, ({ start, size }, i) =>
      size > 0 ? start + size : (first[i + 1]?.start ?? start + 1),
    ),
    names: first.map(({ name }) => name),
  };
}

/** The function that the byte at `offset` of the file is in; undefined: in none that has a name. */
export function functionAt(table: FunctionTable, offset: number): string | undefined {
  const found = lastAtMost(table.starts, offset);
  return found >= 0 && offset < table.ends[found]! ? table.names[found] : undefined;
}

/** The index of the last number that is at most `value`, of ascending ones; -1: there is none. */
export function lastAtMost<N extends number | bigint>(numbers: ArrayLike<N>, value: N): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function isTable({ type }: Section): boolean {
  return type === sectionType.symtab || type === sectionType.dynsym;
}

function functionsIn(elf: Elf, section: Section): readonly NamedFunction[] {
  const ofNames = elf.sections[section.link];
  if (ofNames === undefined) throw new ElfError("sh_link", `of ${section.name} is of no section`);
  const [table, names] = [section, ofNames].map((one) => bounded(elf, one)) as [Buffer, Buffer];
  const found: NamedFunction[] = [];
  for (let at = 0; at + entryBytes <= table.length; at += entryBytes) {
    const isDefined = table.readUInt16LE(at + 6) !== 0;
    if (!isDefined || !functionTypes.includes(table[at + 4]! & 15)) continue;
    const name = textAt(names, table.readUInt32LE(at));
    if (name !== "") found.push({ name, address: word(table, at + 8), size: word(table, at + 16) });
  }
  return found;
}

function bounded(elf: Elf, { name, type, offset, size }: Section): Buffer {
  if (type === sectionType.nobits) throw new ElfError(name, "is not in the file");
  if (size > mostTableBytes) throw new ElfError(name, `has ${size} bytes, which is too many`);
  return elf.bytes.read(offset, size, name);
}

/** -1: it is no code of the file. */
function offsetOf({ segments }: Elf, address: number): number {
  const segment = segments.find(
    ({ type, isCode, address: first, fileBytes }) =>
      type === segmentType.load && isCode && address >= first && address < first + fileBytes,
  );
  return segment === undefined ? -1 : address - segment.address + segment.offset;
}

/** Of several names of one function the one that callers write: without underscores, the shortest. */
function rankOf(name: string): number {
  return (/^_*/.exec(name)![0].length << 16) + Math.min(name.length, 0xffff);
}
