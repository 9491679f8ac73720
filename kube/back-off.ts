/** How long to wait between attempts that fail: `firstMs`, doubling up to `maxMs`. */
export type BackOff = { readonly firstMs: number; readonly maxMs: number };

/**
 * How long to wait after so many failures in a row, at least one. `random` in [0,1) takes up to half
 * of it away, so that a fleet does not come back in step; without it nothing is taken.
 */
export function backOffMs(
  failures: number,
  { firstMs, maxMs }: BackOff,
  random: () => number = () => 1,
): number {
  return Math.min(firstMs * 2 ** (failures - 1), maxMs) * (0.5 + random() / 2);
}
