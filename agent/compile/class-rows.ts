import { workloadsName } from "@guardbee/policy/sets";
import { type Bits, bitsAt, onlyWord, toRow } from "./bits.ts";
import type { AttachPoint } from "./plan.ts";

/** The selectors of an attach point that hold in a scope class, by the names of the sets that hold there. */
export type ClassBits = (names: ReadonlySet<string>) => Bits;

/** Of bitmaps of `words`. What it takes depends on a class's own sets, not on how many there are. */
export function classBits({ hooks }: Pick<AttachPoint, "hooks">, words: number): ClassBits {
  const bySet = new Map<string, { readonly bit: number; readonly workloads?: string }[]>();
  let bit = 0;
  for (const { set, selectors } of hooks) {
    const { name } = set;
    const its = bySet.get(name) ?? [];
    bySet.set(name, its);
    for (const { workloads } of selectors) {
      its.push({ bit: bit++, ...(workloads && { workloads: workloadsName(name, workloads) }) });
    }
  }
  return (names) => {
    const all = [...names].flatMap((name) => bySet.get(name) ?? []);
    const holding = all.filter(({ workloads }) => workloads === undefined || names.has(workloads));
    return bitsAt(
      words,
      holding.map((one) => one.bit),
    );
  };
}

/** The row of a scope class that has these bits. */
export function classRow(bits: Bits): Uint8Array {
  return toRow(bits, onlyWord(bits));
}
