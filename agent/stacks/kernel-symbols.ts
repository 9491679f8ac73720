import { readFileSync } from "node:fs";
import { join } from "node:path";
import { lastAtMost } from "../elf/enclosing.ts";

/** A function of the kernel, and how far in it an address is. */
export type KernelSymbol = { readonly symbol: string; readonly offset: bigint };

type Range = { readonly start: bigint; readonly end: bigint };

type Table = {
  /** Which modules there were, and where: others have other functions. */
  readonly modules: string;
  /** Where the code of the kernel and of its modules is. */
  readonly ranges: readonly Range[];
  /** The low 48 bits, above which a kernel's addresses are all alike: ascending. */
  readonly addresses: Float64Array;
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
    const low = Number(BigInt.asUintN(48, address));
    const found = lastAtMost(addresses, low);
    if (found < 0) return undefined;
    return { symbol: names[found]!, offset: BigInt(low - addresses[found]!) };
  }

  /** Modules come and go. */
  #current(): Table {
    const now = this.#monotonic();
    if (this.#table !== undefined && now - this.#checkedAt < refreshMs) return this.#table;
    this.#checkedAt = now;
    const modules = this.#read("modules").split("\n").map(withoutUse).join("\n");
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
  const found: { readonly address: number; readonly name: string }[] = [];
  let [start, end] = [0n, 0n];
  for (let at = 0, next = 0; at < kallsyms.length; at = next + 1) {
    next = kallsyms.indexOf("\n", at);
    if (next === -1) next = kallsyms.length;
    if (!codeTypes.has(kallsyms[at + 17] ?? "")) continue;
    const address = Number.parseInt(kallsyms.slice(at + 4, at + 16), 16);
    if (address === 0) continue; // hidden
    const [name = "", module] = kallsyms.slice(at + 19, next).split("\t", 2);
    if (name === "_stext") start = BigInt(`0x${kallsyms.slice(at, at + 16)}`);
    else if (name === "_etext") end = BigInt(`0x${kallsyms.slice(at, at + 16)}`);
    else if (!name.startsWith("__pfx_") && module !== "[bpf]") {
      found.push({ address, name }); // the others are the padding before one, and programs
    }
  }
  found.sort((a, b) => a.address - b.address);
  const first = found.filter(({ address }, i) => found[i - 1]?.address !== address);
  return {
    modules,
    ranges: [{ start, end }, ...modules.split("\n").flatMap(rangeOf)],
    addresses: Float64Array.from(first, ({ address }) => address),
    names: first.map(({ name }) => name),
  };
}

/** How many use a module changes all the time: reading all symbols again would too. */
function withoutUse(line: string): string {
  return line.replace(/^(\S+ \d+) \d+ \S+ /, "$1 - - ");
}

const codeTypes: ReadonlySet<string> = new Set(["t", "T", "w", "W"]);

/** `ext4 983040 1 - Live 0xffffffffc0a00000` */
function rangeOf(line: string): readonly Range[] {
  const [, size, address] = /^\S+ (\d+) .* (0x[0-9a-f]+)(?: \([A-Z]+\))?$/.exec(line) ?? [];
  if (size === undefined || address === undefined) return [];
  return [{ start: BigInt(address), end: BigInt(address) + BigInt(size) }];
}
