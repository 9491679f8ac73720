/** Test support: how many values a property is checked with. */
export type Extent = { readonly numRuns: number; readonly interruptAfterTimeLimit?: number };

/** So many values, or as many as take GUARDBEE_FUZZ_MINUTES (`make fuzz`). */
export function extentOf(runs: number): Extent {
  const minutes = Number(process.env.GUARDBEE_FUZZ_MINUTES ?? 0);
  if (minutes === 0) return { numRuns: runs };
  return { numRuns: 2 ** 31, interruptAfterTimeLimit: minutes * 60_000 };
}
