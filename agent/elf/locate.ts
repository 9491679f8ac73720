import { ElfError } from "./bytes.ts";
import { codeOffset, type Elf, isCode } from "./elf.ts";
import { goFunctionsNamed, isGo } from "./go-symbols.ts";
import { type FunctionSymbol, functionsNamed, hasSymbols } from "./symbols.ts";

/** A place in a program: so many bytes behind a function, in the file, or where it is loaded. */
export type Wanted =
  | { readonly symbol: string; readonly offset: number }
  | { readonly symbol?: undefined; readonly offset: number }
  | { readonly symbol?: undefined; readonly address: number };

/** The offsets in the file of what `wanted` is: a function may have several versions. Throws ElfError. */
export function offsetsOf(elf: Elf, wanted: Wanted): readonly number[] {
  if (wanted.symbol !== undefined) return offsetsOfSymbol(elf, wanted.symbol, wanted.offset);
  if ("offset" in wanted) {
    if (isCode(elf, wanted.offset)) return [wanted.offset];
    throw new ElfError("p_offset", `has no code at offset ${wanted.offset} of the file`);
  }
  return [offsetAt(elf, wanted.address)];
}

function offsetsOfSymbol(elf: Elf, name: string, behind: number): readonly number[] {
  const found = symbolsNamed(elf, name);
  if (found.length === 0) throw new ElfError("symbols", `have no function ${name}`);
  const offsets = found.map(({ address, size, isChooser }) => {
    if (isChooser) {
      throw new ElfError(
        name,
        "only picks one of several functions (IFUNC), which have names of their own",
      );
    }
    if (size > 0 && behind >= size)
      throw new ElfError(name, `has ${size} bytes, and none at ${behind}`);
    return offsetAt(elf, address + behind);
  });
  return [...new Set(offsets)];
}

function symbolsNamed(elf: Elf, name: string): readonly FunctionSymbol[] {
  const found = functionsNamed(elf, name);
  if (found.length > 0) return found;
  if (isGo(elf)) return goFunctionsNamed(elf, name);
  if (!hasSymbols(elf)) throw new ElfError("symbols", "are not in the file: it is stripped");
  return [];
}

function offsetAt(elf: Elf, address: number): number {
  const offset = codeOffset(elf, address);
  if (offset !== undefined) return offset;
  throw new ElfError("p_vaddr", `has no code at address 0x${address.toString(16)}`);
}
