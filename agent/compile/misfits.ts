/**
 * The names that have to go so that `check` accepts the others, the earlier ones first. `check`
 * throws a RangeError for what is too much, and takes every part of what it takes.
 */
export function misfits(
  names: readonly string[],
  check: (some: ReadonlySet<string>) => void,
): string[] {
  const kept: string[] = [];
  const gone: string[] = [];
  for (let rest = names; rest.length > 0; ) {
    const count = fitting(rest, (some) => check(new Set([...kept, ...some])));
    kept.push(...rest.slice(0, count));
    gone.push(...rest.slice(count, count + 1));
    rest = rest.slice(count + 1);
  }
  return gone;
}

/** How many of the first `names` fit. */
function fitting(names: readonly string[], check: (some: readonly string[]) => void): number {
  let [fits, tooMany] = [0, names.length + 1];
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (accepts(() => check(names.slice(0, middle)))) fits = middle;
    else tooMany = middle;
  }
  return fits;
}

function accepts(check: () => void): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
