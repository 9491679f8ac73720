/** What nodes that hold the newest content, or should, report of it. */
export type WaveCount = {
  readonly programmed: number;
  readonly failed: number;
  readonly pending: number;
};

/**
 * Whether nodes that cannot hold the new content halt its roll-out. One node alone does so only while
 * no other has answered: nobody can tell a node that is broken, or lies, from a content that is.
 */
export function failuresHalt({ programmed, failed }: WaveCount): boolean {
  return failed > 1 || (failed === 1 && programmed === 0);
}

/**
 * Whether the new content stopped more calls than its plan allows; `stops` are those of each node
 * that stopped any. Where several nodes have answered, one counts for a little more than half of the
 * limit at most, so that it takes two.
 */
export function stopsHalt(
  stops: readonly number[],
  { programmed, failed }: WaveCount,
  maxStops: number | undefined,
): boolean {
  if (maxStops === undefined) return false;
  const alone = programmed + failed <= 1;
  if (!alone && stops.length < 2) return false;
  const most = alone ? Number.POSITIVE_INFINITY : Math.floor(maxStops / 2) + 1;
  return sumOf(stops.map((count) => Math.min(count, most))) > maxStops;
}

/**
 * Whether a wave waits for nodes that have yet to answer. One does not hold it up for longer than
 * `lateMs` after its start, where others have answered.
 */
export function waitsForNodes({ programmed, failed, pending }: WaveCount, late: boolean): boolean {
  return pending > 1 || (pending === 1 && !(late && programmed + failed > 0));
}

/** How long the last node of a wave that has not answered holds up the next. */
export const lateMs = 10 * 60_000;

/** At most what a status has room for. */
export function sumOf(counts: readonly number[]): number {
  const sum = counts.reduce((all, count) => all + count, 0);
  return Math.min(sum, 2 ** 31 - 1);
}
