import { closeSync, openSync } from "node:fs";
import { bytesOfFile } from "./bytes.ts";
import { type Elf, readElf } from "./elf.ts";
import { probeNames } from "./probes.ts";
import { functionNames } from "./symbols.ts";

export { ElfError } from "./bytes.ts";

/** The functions in a program's file, by name. Throws ElfError. */
export function functionsOfFile(path: string): readonly string[] {
  return ofFile(path, functionNames);
}

/** The markers (USDT) in a program's file. Throws ElfError. */
export function probesOfFile(path: string): ReturnType<typeof probeNames> {
  return ofFile(path, probeNames);
}

function ofFile<T>(path: string, read: (elf: Elf) => T): T {
  const fd = openSync(path, "r");
  try {
    return read(readElf(bytesOfFile(fd)));
  } finally {
    closeSync(fd);
  }
}
