/**
 * How two revisions compare: below 0 when `a` is the older. The numbers in them are compared from the
 * left (`v1.10.0` is newer than `v1.9.3`, `2026-11-29` than `2026-02-01`); undefined when what stands
 * between the numbers differs, or there is no number: such revisions, of commits say, have no order.
 */
export function compareRevisions(a: string, b: string): number | undefined {
  const [first, second] = [a.split(numbers), b.split(numbers)];
  if (first.length !== second.length || first.length < 3) return undefined;
  for (const [at, text] of first.entries()) {
    const other = second[at]!;
    if (text === other) continue;
    if (at % 2 === 0) return undefined; // text between numbers
    const difference = BigInt(text) - BigInt(other);
    if (difference !== 0n) {
      const rest = (parts: readonly string[]) => parts.filter((_, i) => i % 2 === 0).join("\0");
      return rest(first) === rest(second) ? (difference < 0n ? -1 : 1) : undefined;
    }
  }
  return 0;
}

const numbers = /(\d+)/;
