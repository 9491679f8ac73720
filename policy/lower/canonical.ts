/** `values` sorted by code point, each once. */
export function canonicalTexts(values: readonly string[]): readonly string[] {
  return [...new Set(values)].sort(byCodePoint);
}

/** `values` in ascending order, each once. */
export function canonicalNumbers(values: readonly number[]): readonly number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

/** Decimal numbers of any size in ascending order, each once. */
export function canonicalDecimals(values: readonly bigint[]): readonly string[] {
  return [...new Set(values)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)).map(String);
}

/** Never localeCompare: the order must be the same on every machine. */
export function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** JSON with sorted keys and without undefined: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => byCodePoint(a, b)));
  });
}
