const secondNs = 1_000_000_000n;

/**
 * A formatter of wall-clock ns since 1970 as RFC 3339 in UTC with 0, 3, 6 or 9 digits of fraction,
 * whichever is the shortest that is exact. It remembers the last second, which most calls repeat.
 */
export function createRfc3339(): (wallNs: bigint) => string {
  let second = -secondNs; // in ns
  let text = "";
  return (wallNs) => {
    let rest = wallNs - second;
    if (rest < 0n || rest >= secondNs) {
      rest = wallNs % secondNs;
      second = wallNs - rest;
      text = new Date(Number(second / 1_000_000n)).toISOString().slice(0, 19);
    }
    return `${text}${fraction(Number(rest))}Z`;
  };
}

function fraction(ns: number): string {
  if (ns === 0) return "";
  const digits = String(ns).padStart(9, "0");
  if (ns % 1_000_000 === 0) return `.${digits.slice(0, 3)}`;
  if (ns % 1000 === 0) return `.${digits.slice(0, 6)}`;
  return `.${digits}`;
}
