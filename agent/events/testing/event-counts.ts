/** Test support: what there is in JSON lines of events. */

export type EventCounts = {
  /** All but `rate_limit_info`. */
  readonly lines: number;
  /** Of hook events. */
  readonly byPolicy: ReadonlyMap<string, number>;
  /** How many missing events `rate_limit_info` tells of. */
  readonly told: number;
};

/** A line that is cut at either end counts as one. */
export function eventCounts(text: Buffer): EventCounts {
  const byPolicy = new Map<string, number>();
  let [lines, told] = [0, 0];
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf("\n", at);
    const end = newline === -1 ? text.length : newline;
    const line = text.toString("utf8", at, end);
    at = end + 1;
    const missed = line.match(/"number_of_dropped_process_events":"(\d+)"/)?.[1];
    if (missed !== undefined) {
      told += Number(missed);
      continue;
    }
    lines++;
    const policy = line.match(/"policy_name":"([^"]*)"/)?.[1];
    if (policy !== undefined) byPolicy.set(policy, (byPolicy.get(policy) ?? 0) + 1);
  }
  return { lines, byPolicy, told };
}
