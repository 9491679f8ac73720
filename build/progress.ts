/** What shows one line of what `who` does, on stderr: stdout belongs to results. */
export function teller(who: string): (text: string) => void {
  return (text) => {
    process.stderr.write(`[${who}] ${text}\n`);
  };
}

/** Seconds since `startedAt`, a reading of `performance.now()`, as "12 s". */
export function elapsed(startedAt: number): string {
  return `${Math.round((performance.now() - startedAt) / 1000)} s`;
}
