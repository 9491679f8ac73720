import { ElfError } from "./bytes.ts";

/** Something that a program's file says of itself, under its owner's name. */
export type Note = { readonly owner: string; readonly type: number; readonly content: Buffer };

/** The notes in a section or segment of such, each padded to 4 bytes. Throws ElfError. */
export function notesIn(bytes: Buffer): readonly Note[] {
  const notes: Note[] = [];
  for (let at = 0; at + 12 <= bytes.length; ) {
    const [nameBytes, contentBytes] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)];
    const name = at + 12;
    const content = name + pad4(nameBytes);
    const end = content + contentBytes;
    if (end > bytes.length) throw new ElfError("n_descsz", `of a note ends behind all of them`);
    notes.push({
      owner: bytes.toString("latin1", name, name + Math.max(0, nameBytes - 1)),
      type: bytes.readUInt32LE(at + 8),
      content: bytes.subarray(content, end),
    });
    at = Math.min(pad4(end), bytes.length);
  }
  return notes;
}

function pad4(size: number): number {
  return Math.ceil(size / 4) * 4;
}
