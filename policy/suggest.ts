/** The allowed value that `given` was probably meant to be, if one is close enough. */
export function suggest(given: string, allowed: readonly string[]): string | undefined {
  const wanted = given.toLowerCase();
  const limit = Math.max(1, Math.min(3, Math.floor(given.length / 3)));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of allowed) {
    const distance = editDistance(wanted, candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** `did you mean X? allowed: A, B, C` with the first part only when something is close. */
export function suggestFrom(given: string, allowed: readonly string[], label = "allowed"): string {
  const close = suggest(given, allowed);
  const list = `${label}: ${allowed.join(", ")}`;
  return close === undefined ? list : `did you mean ${close}? ${list}`;
}

/** `value` in quotes for a message; long ones are cut and said to be, so that no message grows with its input. */
export function quote(value: string): string {
  if (value.length <= 60) return JSON.stringify(value);
  return `${JSON.stringify(value.slice(0, 57).toWellFormed())}... (cut, of ${value.length} characters)`;
}

/** Levenshtein distance, or `limit` when it is at least that. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replace, above[j]! + 1, row[j - 1]! + 1));
    }
    above = row;
  }
  return Math.min(limit, above[b.length]!);
}
