/** Variables of a process's environment, in its order. */
export type Environment = readonly (readonly [name: string, value: string])[];

/**
 * The variables in `text`, which has each ended by NUL, as /proc/PID/environ does. What has no `=` has
 * no value. `names`: those that are kept; empty: all.
 */
export function parseEnvironment(text: string, names: ReadonlySet<string>): Environment {
  return text
    .split("\0")
    .filter((entry) => entry !== "")
    .map((entry) => {
      const at = entry.indexOf("=");
      return at === -1
        ? ([entry, ""] as const)
        : ([entry.slice(0, at), entry.slice(at + 1)] as const);
    })
    .filter(([name]) => names.size === 0 || names.has(name));
}
