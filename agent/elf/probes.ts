import { ElfError } from "./bytes.ts";
import { codeOffset, contentOf, type Elf, type Section, segmentType, textAt, word } from "./elf.ts";
import { notesIn } from "./notes.ts";

/** A place that a program's author has marked (USDT): `.note.stapsdt` says where, and where its arguments are. */
export type Probe = {
  readonly offset: number;
  /** Where in the file the program counts who listens: where there is nobody it may skip the place. */
  readonly semaphore?: number;
  /** Each as the compiler wrote it: `-4@%edi`. */
  readonly args: readonly string[];
};

/** More places of one name than any real program has. */
const mostProbes = 256;

/** The places of that name. Throws ElfError. */
export function probesNamed(
  elf: Elf,
  { provider, name }: { readonly provider: string; readonly name: string },
): readonly Probe[] {
  const base = elf.sections.find((section) => section.name === ".stapsdt.base");
  const found = stapNotes(elf)
    .filter((note) => note.provider === provider && note.name === name)
    .map((note) => probeOf(elf, note, base));
  if (found.length > mostProbes) {
    throw new ElfError(".note.stapsdt", `has ${provider}:${name} ${found.length} times`);
  }
  return found;
}

/** Which probes there are, each once, in their order. Throws ElfError. */
export function probeNames(
  elf: Elf,
): readonly { readonly provider: string; readonly name: string }[] {
  const known = new Map(
    stapNotes(elf).map(({ provider, name }) => [`${provider}\0${name}`, { provider, name }]),
  );
  return [...known.values()];
}

function stapNotes(elf: Elf): readonly StapNote[] {
  return elf.sections
    .filter((section) => section.name === ".note.stapsdt")
    .flatMap((section) => notesIn(contentOf(elf, section)))
    .filter(({ owner, type }) => owner === "stapsdt" && type === 3)
    .map(({ content }) => parseNote(content));
}

type StapNote = {
  readonly location: number;
  readonly base: number;
  readonly semaphore: number;
  readonly provider: string;
  readonly name: string;
  readonly args: string;
};

function parseNote(content: Buffer): StapNote {
  if (content.length < 24) throw new ElfError("n_descsz", `of a probe is ${content.length}`);
  const provider = textAt(content, 24);
  const nameAt = 24 + Buffer.byteLength(provider) + 1;
  const name = textAt(content, nameAt);
  const args = textAt(content, nameAt + Buffer.byteLength(name) + 1);
  const [location, base, semaphore] = [0, 8, 16].map((at) => word(content, at)) as [
    number,
    number,
    number,
  ];
  return { location, base, semaphore, provider, name, args };
}

function probeOf(elf: Elf, note: StapNote, base: Section | undefined): Probe {
  // A tool may have moved the file's sections after the notes were written (prelink).
  const moved = base === undefined || note.base === 0 ? 0 : base.address - note.base;
  const at = `of probe ${note.provider}:${note.name}`;
  const offset = codeOffset(elf, note.location + moved);
  if (offset === undefined) throw new ElfError("location", `${at} is where no code is`);
  const args = note.args.split(" ").filter((arg) => arg !== "");
  if (note.semaphore === 0) return { offset, args };
  const semaphore = dataOffset(elf, note.semaphore + moved);
  if (semaphore === undefined) throw new ElfError("semaphore", `${at} is not in the file`);
  return { offset, semaphore, args };
}

function dataOffset({ segments, bytes }: Elf, address: number): number | undefined {
  const segment = segments.find(
    (one) =>
      one.type === segmentType.load &&
      address >= one.address &&
      address - one.address < one.fileBytes,
  );
  const offset = segment && address - segment.address + segment.offset;
  return offset === undefined || offset >= bytes.size ? undefined : offset;
}
