/**
 * Milliseconds of a length of time as Go writes it: `90s`, `1h30m`, `1.5h`, `250ms`, `0`. Undefined when
 * it is none, or negative.
 */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g);
  let sum = 0;
  for (const [, number, unit] of parts) sum += Number(number) * unitMs[unit as keyof typeof unitMs];
  return Math.round(sum);
}

const unitMs = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** As Go writes it: `0s`, `1h30m0s`, `1.5s`, `250ms`. */
export function formatDuration(ms: number): string {
  if (ms > 0 && ms < 1_000) return `${ms}ms`;
  const [hours, minutes] = [Math.floor(ms / unitMs.h), Math.floor(ms / unitMs.m) % 60];
  const seconds = `${(ms % unitMs.m) / unitMs.s}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
