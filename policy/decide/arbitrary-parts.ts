/** Test support: the bytes in so many parts, of which some have none. */
export function partsOf(
  bytes: string | undefined,
  cuts: readonly number[],
): readonly Uint8Array[] | undefined {
  if (bytes === undefined) return undefined;
  const all = new TextEncoder().encode(bytes);
  const ends = [...cuts, all.length].sort((a, b) => a - b);
  return ends.map((end, i) => all.subarray(ends[i - 1] ?? 0, end));
}
