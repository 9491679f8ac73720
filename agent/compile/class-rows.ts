import { workloadsName } from "@guardbee/policy/sets";
import { type Bits, bitsAt, onlyWord, toRow } from "./bits.ts";
import { bitsOf } from "./places.ts";
import type { AttachPoint } from "./plan.ts";

/** The selectors of an attach point that hold in a scope class, by the names of the sets that hold there. */
export type ClassBits = (names: ReadonlySet<string>) => Bits;

/** The names that decide in which scope classes the selectors of an attach point hold. */
export function namesOf({ hooks }: Pick<AttachPoint, "hooks">): ReadonlySet<string> {
  return new Set(
    hooks.flatMap(({ set: { name }, selectors }) => [
      name,
      ...selectors.flatMap(({ workloads }) => (workloads ? workloadsName(name, workloads) : [])),
    ]),
  );
}

/** Of bitmaps of `words`. What it takes depends on a class's own sets, not on how many there are. */
export function classBits({ hooks }: Pick<AttachPoint, "hooks">, words: number): ClassBits {
  const bySet = new Map<string, { readonly bit: number; readonly workloads?: string }[]>();
  for (const [bit, place] of bitsOf(hooks).entries()) {
    if (place === undefined) continue;
    const { planned, selector } = place;
    const { name } = planned.set;
    const its = bySet.get(name) ?? [];
    bySet.set(name, its);
    const { workloads } = planned.selectors[selector]!;
    its.push({ bit, ...(workloads && { workloads: workloadsName(name, workloads) }) });
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
