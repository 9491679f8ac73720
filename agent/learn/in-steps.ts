import { stepBelow } from "../step-below.ts";

const exactly = 10;

/** As it is up to 10, then in steps: a promotion asks for a few restarts, and a million costs twenty reports. */
export function inSteps(count: number): number {
  return count <= exactly ? count : stepBelow(count);
}
