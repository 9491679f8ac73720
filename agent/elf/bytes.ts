import { fstatSync, readSync } from "node:fs";

/** A file of `size` bytes, of which any part can be read. */
export type Bytes = {
  readonly size: number;
  /** Throws ElfError where the file has not so many there, or nobody should read so many. */
  read(at: number, length: number, field: string): Buffer;
};

/** Why a file cannot be used: `field` is the part of it that is wrong, as elf(5) names it. */
export class ElfError extends Error {
  readonly field: string;

  constructor(field: string, what: string) {
    const named = field === "" ? "a section without a name" : field; // which it may be called
    super(`${named} ${what}`);
    this.field = named;
  }
}

/** What is read at once of any real program is less. */
const mostBytes = 128 << 20;

/** The open file `fd`. */
export function bytesOfFile(fd: number): Bytes {
  return ofSize(fstatSync(fd).size, (at, length) => {
    const buffer = Buffer.allocUnsafe(length);
    return buffer.subarray(0, readSync(fd, buffer, 0, length, at));
  });
}

/** A file's content in memory. */
export function bytesOfBuffer(content: Buffer): Bytes {
  return ofSize(content.length, (at, length) => content.subarray(at, at + length));
}

function ofSize(size: number, read: (at: number, length: number) => Buffer): Bytes {
  return {
    size,
    read(at, length, field) {
      if (length > mostBytes) throw new ElfError(field, `has ${length} bytes, which is too many`);
      if (!(at >= 0 && length >= 0 && at + length <= size)) {
        throw new ElfError(field, `is at ${at} with ${length} bytes, in a file of ${size}`);
      }
      const bytes = read(at, length);
      if (bytes.length < length) throw new ElfError(field, "changes while it is read");
      return bytes;
    },
  };
}
