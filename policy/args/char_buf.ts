import { maxPathBytes } from "../lower/limits.ts";
import type { Report } from "../lower/report.ts";
import { textOperators } from "../schema/vocabulary.ts";
import type { ArgKind, Length, LengthPlace } from "./kind.ts";
import { checkBytes, operatorsOnText } from "./text.ts";

/** Bytes in the memory of the process: as many as another argument or the return value says. */
export const char_buf = {
  aliases: [],
  // The length of what is read would be any register.
  parameters: [],
  facets: { bytes: "text" },
  operators: operatorsOnText("bytes", checkBytes),
  upstreamOperators: textOperators,
  lowerLength,
  read: (index, { parameters }) => {
    const parameter = parameters[index];
    if (parameter?.kind !== "buffer" || parameter.bytes === undefined) return "unknown";
    return { bytes: parameter.bytes };
  },
  // The last is as long as a value may be; buffers may be longer.
  samples: ["secret", "sec", "public", "cret", "c", "x".repeat(maxPathBytes)],
} as const satisfies ArgKind;

function lowerLength(
  report: Report,
  spec: Length & { readonly index: number },
  { at, first, last }: LengthPlace,
): Length {
  const { index, sizeArgIndex, returnCopy } = spec;
  if (sizeArgIndex !== undefined && (sizeArgIndex <= first || sizeArgIndex > last + 1)) {
    const fix = `${first + 1} to ${last + 1}: it counts the call's parameters from 1`;
    report.invalid(`${at}.sizeArgIndex`, `${sizeArgIndex} is out of range`, fix);
  }
  if (sizeArgIndex === index + 1) {
    const fix = "write which parameter holds the length: it counts from 1, index from 0";
    report.invalid(`${at}.sizeArgIndex`, `${sizeArgIndex} is the buffer itself`, fix);
  }
  if (returnCopy) return { returnCopy: true };
  if (sizeArgIndex !== undefined) return { sizeArgIndex };
  const fix = "write which parameter holds the length, from 1, or returnCopy: true";
  report.invalid(`${at}.sizeArgIndex`, "is missing", fix);
  return {};
}
