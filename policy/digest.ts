import type { Condition } from "./selector-set.ts";

/** Whether some condition is on the digest of what is executed. */
export function asksDigest(conditions: readonly Condition[]): boolean {
  return conditions.some((condition) => condition.by === "arg" && condition.op === "Digest");
}
