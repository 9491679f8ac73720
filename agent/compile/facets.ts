import type { Sees } from "../attach/index.ts";
import { enums } from "../gen/layout.ts";
import type { Facet } from "./conditions/compiler.ts";
import { type Asking, compilerOf } from "./conditions/index.ts";
import type { Asked } from "./dims.ts";
import type { Places } from "./places.ts";
import type { AttachPoint, PlannedHook } from "./plan.ts";
import { type Reading, type Readings, readingKey } from "./readings.ts";

/** A facet of an attach point, and what each selector asks of it. */
export type AskedFacet = { readonly facet: Facet; readonly asked: readonly Asked<Asking>[] };

/** What the selectors ask, by facet, in the order in which the engine goes through them. */
export function facetsOf(bits: Places, readings: Readings, sees: Sees): readonly AskedFacet[] {
  const found = new Map<string, { facet: Facet; asked: Map<number, Asking[]> }>();
  for (const [bit, place] of bits.entries()) {
    if (place === undefined) continue;
    const { planned, selector } = place;
    for (const asking of askingOf(planned, selector, { readings, sees })) {
      const facet = compilerOf(asking).facet(asking, planned);
      const known = found.get(facetKey(facet)) ?? { facet, asked: new Map() };
      found.set(facetKey(facet), known);
      known.asked.set(bit, [...(known.asked.get(bit) ?? []), asking]);
    }
  }
  return [...found.values()]
    .sort((a, b) => a.facet.kind - b.facet.kind)
    .map(({ facet, asked }) => ({
      facet,
      asked: [...asked].map(([bit, conditions]) => ({ bit, conditions })),
    }));
}

/**
 * The conditions of a selector, and that the descriptors of its hook are followed: what can be told by
 * a program that sees that part of its calls, and was not told before.
 */
export function askingOf(
  planned: PlannedHook,
  selector: number,
  { readings: { all, ofHook }, sees }: { readonly readings: Readings; readonly sees: Sees },
): readonly Asking[] {
  const { conditions, returned = [] } = planned.selectors[selector]!;
  const followed = ofHook.get(planned)!.followed;
  return [
    ...(sees === "return" ? [] : conditions),
    ...(sees === "entry" ? [] : returned.map((one) => ({ by: "returned", ...one }) as const)),
    ...followed.map((number) => ({ by: "followed", reading: all[number]! }) as const),
  ];
}

/** Equal for facets that are the same. */
export function facetKey({ kind, part, reading, other }: Facet): string {
  const keyOf = (one: Reading | undefined) => (one === undefined ? "" : readingKey(one));
  return `${kind} ${part ?? 0} ${keyOf(reading)} ${keyOf(other)}`;
}

/** Throws RangeError when the engine takes fewer. */
export function checkFacets({ symbol }: AttachPoint, facets: readonly AskedFacet[]): void {
  const { FACETS_MAX } = enums.engine_limit;
  if (facets.length > FACETS_MAX) {
    throw new RangeError(
      `${symbol}: its policies compare ${facets.length} properties; the engine takes ${FACETS_MAX} on one attach point`,
    );
  }
}
