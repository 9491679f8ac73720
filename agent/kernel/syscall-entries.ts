import type { Hook } from "@guardbee/policy";
import { furtherEntries } from "@guardbee/policy/sets";
import type { AttachAbilities, Entry } from "../attach/index.ts";

/**
 * What finds the further entries of a hook's system call: those that this kernel has and processes
 * can use. Where it takes int 0x80 and none of those can be attached to, all symbols are looked
 * through (once, as there are many): an entry among them is found, so that the hook is refused.
 */
export function entryFinder({
  arch,
  takesInt80,
  hasFunction,
  kernelSymbols,
}: {
  readonly arch: string;
  readonly takesInt80: boolean;
  /** Whether that can be attached to. */
  readonly hasFunction: (symbol: string) => boolean;
  readonly kernelSymbols: () => ReadonlySet<string>;
}): AttachAbilities["entriesOf"] {
  const prefixes = prefixesOf(arch, takesInt80);
  let symbols: ReadonlySet<string> | undefined;
  return (hook: Hook) => {
    const { seen } = furtherEntries(hook);
    if (seen.length === 0) return [];
    const all = seen.flatMap(({ name, number }) =>
      prefixes
        .filter(({ compatOnly }) => !compatOnly || name.startsWith("compat_"))
        .map(({ prefix, registers, offset }): Entry => {
          return { symbol: prefix + name, number: number + offset, registers };
        }),
    );
    const own = hook.on.kind === "kprobe" ? `__${arch}_${hook.on.call}` : undefined;
    const found = all.filter(({ symbol }) => symbol !== own && hasFunction(symbol));
    if (!takesInt80 || found.some(({ registers }) => registers === "32-bit")) return found;
    symbols ??= kernelSymbols();
    return all.filter(({ symbol }) => symbols!.has(symbol));
  };
}

type Prefix = Pick<Entry, "registers"> & {
  readonly prefix: string;
  /** Of these functions, processes reach only the compat_ ones this way. */
  readonly compatOnly: boolean;
  /** Added to an entry's number, which is below 128. */
  readonly offset: number;
};

function prefixesOf(arch: string, takesInt80: boolean): readonly Prefix[] {
  switch (arch) {
    case "x64": {
      const ia32 = {
        prefix: "__ia32_",
        registers: "32-bit",
        compatOnly: false,
        offset: 0,
      } as const;
      // x32: the registers of 64 bits, and the compat_ functions of some calls.
      const x32 = { prefix: "__x64_", registers: "own", compatOnly: true, offset: 128 } as const;
      return takesInt80 ? [ia32, x32] : [x32];
    }
    case "arm64":
      // 32-bit processes have their registers where others do.
      return [{ prefix: "__arm64_", registers: "32-bit", compatOnly: false, offset: 0 }];
    default:
      return [];
  }
}
