import { readFileSync } from "node:fs";
import { join } from "node:path";
import { lastAtMost } from "../elf/enclosing.ts";

/** A function of the kernel, and how far in it an address is. */
export type KernelSymbol = { readonly symbol: string; readonly offset: bigint };

type Range = { readonly start: bigint; readonly end: bigint };

type Table = {
  /** As /proc/modules was: another one has others' functions. */
  readonly modules: string;
  /** Where the code of the kernel and of its modules is. */
  readonly ranges: readonly Range[];
  /** Ascending. */
  readonly addresses: BigUint64Array;
  readonly names: readonly string[];
};

const refreshMs = 10_000;

/** The functions of the kernel and of its modules, read when somebody first asks: megabytes of text. */
export class KernelSymbols {
  readonly #procfs: string;
  readonly #monotonic: () => number;
  /** Written by `#current`. */
  #table: Table | undefined;
  #checkedAt = 0;

  constructor(procfs: string, monotonic: () => number) {
    this.#procfs = procfs;
    this.#monotonic = monotonic;
  }

  /**
   * What is at `address`; undefined: no code of the kernel or of a module, such as that of a BPF
   * program, or the kernel does not tell where its functions are.
   */
  at(address: bigint): KernelSymbol | undefined {
    const { ranges, addresses, names } = this.#current();
    if (!ranges.some(({ start, end }) => address >= start && address < end)) return undefined;
    const found = lastAtMost(addresses, address);
    if (found < 0) return undefined;
    return { symbol: names[found]!, offset: address - addresses[found]! };
  }

  /** Modules come and go. */
  #current(): Table {
    const now = this.#monotonic();
    if (this.#table !== undefined && now - this.#checkedAt < refreshMs) return this.#table;
    this.#checkedAt = now;
    const modules = this.#read("modules");
    if (this.#table?.modules !== modules) {
      this.#table = parseSymbols(this.#read("kallsyms"), modules);
    }
    return this.#table;
  }

  #read(name: "kallsyms" | "modules"): string {
    try {
      return readFileSync(join(this.#procfs, name), "latin1");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return ""; // without modules, or names
      throw error;
    }
  }
}

/** `kallsyms`: `ffffffff81000000 T _stext`, and a module's name behind a tab. */
export function parseSymbols(kallsyms: string, modules: string): Table {
  const found: { readonly address: bigint; readonly name: string }[] = [];
  let [start, end] = [0n, 0n];
  for (const line of kallsyms.split("\n")) {
    if (!codeTypes.has(line[17] ?? "")) continue;
    const tab = line.indexOf("\t");
    const address = BigInt(`0x${line.slice(0, 16)}`);
    const name = line.slice(19, tab === -1 ? undefined : tab);
    if (address === 0n || name.startsWith("__pfx_")) continue; // hidden; or the padding before one
    if (name === "_stext") start = address;
    else if (name === "_etext") end = address;
    else if (!line.endsWith("[bpf]")) found.push({ address, name });
  }
  found.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
  const first = found.filter(({ address }, i) => found[i - 1]?.address !== address);
  return {
    modules,
    ranges: [{ start, end }, ...modules.split("\n").flatMap(rangeOf)],
    addresses: BigUint64Array.from(first, ({ address }) => address),
    names: first.map(({ name }) => name),
  };
}

const codeTypes: ReadonlySet<string> = new Set(["t", "T", "w", "W"]);

/** `ext4 983040 1 - Live 0xffffffffc0a00000` */
function rangeOf(line: string): readonly Range[] {
  const [, size, address] = /^\S+ (\d+) .* (0x[0-9a-f]+)(?: \([A-Z]+\))?$/.exec(line) ?? [];
  if (size === undefined || address === undefined) return [];
  return [{ start: BigInt(address), end: BigInt(address) + BigInt(size) }];
}
