/** How deep data may be nested: what compares, hashes and writes it calls itself for each level. */
export const maxDepth = 256;

/** Whether a value out of JSON or YAML is nested deeper than that. Never throws. */
export function isTooDeep(value: unknown): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; depth <= maxDepth; depth++) {
    level = level.flatMap((one) =>
      typeof one === "object" && one !== null ? (Object.values(one) as readonly unknown[]) : [],
    );
    if (level.length === 0) return false;
  }
  return true;
}
