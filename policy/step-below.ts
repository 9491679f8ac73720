/** A status has room for 32 bits. */
const COUNT_MAX = 1_000_000_000;

/**
 * The largest of 0, 1, 2, 5, 10, 20, 50... that is not above `count`, and at most 10^9: what a status
 * says of a count, so that a million of something costs twenty reports.
 */
export function stepBelow(count: number): number {
  if (count === 0) return 0;
  if (count >= COUNT_MAX) return COUNT_MAX;
  const power = 10 ** Math.floor(Math.log10(count));
  return (count >= 5 * power ? 5 : count >= 2 * power ? 2 : 1) * power;
}

const exactly = 10;

/** As it is up to 10, then in those steps: a promotion asks for a few restarts. */
export function inSteps(count: number): number {
  return count <= exactly ? count : stepBelow(count);
}
