import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { join } from "node:path";
import { bytesOfFile, ElfError } from "../elf/bytes.ts";
import { readElf } from "../elf/elf.ts";
import { type FunctionTable, functionAt, functionTable } from "../elf/enclosing.ts";
import { answersItself, type Mapping } from "./mappings.ts";
import { busy, type TimeShare } from "./time-share.ts";

const mostFiles = 64;
/** A file may be replaced by another of the same number and name. */
const keptMs = 300_000;

type Known = { readonly table: FunctionTable | undefined; readonly until: number };

/** The functions of programs and libraries, as their files name them. */
export class UserSymbols {
  readonly #procfs: string;
  readonly #monotonic: () => number;
  readonly #share: TimeShare;
  /** By file and path, the latest used last. Written by `#tableOf`. */
  readonly #known = new Map<string, Known>();

  constructor(procfs: string, monotonic: () => number, share: TimeShare) {
    this.#procfs = procfs;
    this.#monotonic = monotonic;
    this.#share = share;
  }

  /**
   * The function at `offset` of the file that process `pid` has mapped so; undefined: none has a name;
   * `busy`: there is no time to read the file.
   */
  at(pid: number, mapping: Mapping, offset: number): string | typeof busy | undefined {
    const table = this.#tableOf(pid, mapping);
    return table === busy ? table : table && functionAt(table, offset);
  }

  #tableOf(pid: number, mapping: Mapping): FunctionTable | typeof busy | undefined {
    const key = `${mapping.file} ${mapping.path}`;
    const now = this.#monotonic();
    const before = this.#known.get(key);
    let known = before !== undefined && now < before.until ? before : undefined;
    if (known === undefined) {
      const table = this.#share.spend(() => readTable(this.#procfs, pid, mapping));
      if (table === busy) return busy;
      if (table === "gone") return undefined; // which says nothing of the file
      known = { table, until: now + keptMs };
    }
    this.#known.delete(key);
    this.#known.set(key, known);
    if (this.#known.size > mostFiles) this.#known.delete(this.#known.keys().next().value!);
    return known.table;
  }
}

/** Undefined: the file has no names, or is not read; gone: the process is, or has it mapped no more. */
function readTable(
  procfs: string,
  pid: number,
  mapping: Mapping,
): FunctionTable | "gone" | undefined {
  if (!answersItself(procfs, pid, mapping)) return undefined;
  const range = `${mapping.start.toString(16)}-${mapping.end.toString(16)}`;
  let fd: number;
  try {
    // The mapped file itself, whatever has its name by now.
    fd = openSync(
      join(procfs, String(pid), "map_files", range),
      constants.O_RDONLY | constants.O_NONBLOCK,
    );
  } catch {
    return "gone";
  }
  try {
    return fstatSync(fd).isFile() ? functionTable(readElf(bytesOfFile(fd))) : undefined;
  } catch (error) {
    if (error instanceof ElfError) return undefined; // it names nothing
    throw error;
  } finally {
    closeSync(fd);
  }
}
