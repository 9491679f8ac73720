import type { Report } from "../lower/report.ts";
import type { Length, LengthPlace } from "./kind.ts";

/** Bytes of a buffer that an event has; with `maxData`, as upstream, ten messages of that many more. */
export const mostBytes = 4095;
export const mostBytesWhole = 327_360;

/** Most bytes of a path that events have. */
export const mostPathBytes = 4095;

/** What a policy says of an argument with a length. */
export type LengthSpec = Length & { readonly index: number };

/** Says what is wrong with the parameter that holds the length of the one at `index`. */
export function checkSizeArg(
  report: Report,
  { index, sizeArgIndex }: LengthSpec,
  { at, first, last }: LengthPlace,
): void {
  if (sizeArgIndex !== undefined && (sizeArgIndex <= first || sizeArgIndex > last + 1)) {
    const fix = `${first + 1} to ${last + 1}: it counts the call's parameters from 1`;
    report.invalid(`${at}.sizeArgIndex`, `${sizeArgIndex} is out of range`, fix);
  }
  if (sizeArgIndex === index + 1) {
    const fix = "write which parameter holds the length: it counts from 1, index from 0";
    report.invalid(`${at}.sizeArgIndex`, `${sizeArgIndex} is the buffer itself`, fix);
  }
}

/** `maxData: true`, or nothing. */
export function lowerMaxData({ maxData }: Length): Pick<Length, "maxData"> {
  return maxData ? { maxData } : {};
}
