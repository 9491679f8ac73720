import type { Arbitrary } from "fast-check";
import type { Arbitraries } from "./kind.ts";

/** Test support: one to three of `values`. */
export function someOf<T>(fc: Arbitraries, values: readonly T[]): Arbitrary<T[]> {
  return fc.subarray([...values], { minLength: 1, maxLength: Math.min(3, values.length) });
}
