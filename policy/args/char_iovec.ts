import type { Report } from "../lower/report.ts";
import { textOperators } from "../schema/vocabulary.ts";
import type { ArgKind, Length, LengthPlace, Reading } from "./kind.ts";
import { checkSizeArg, type LengthSpec, lowerMaxData, mostBytes } from "./length.ts";
import { recordedBytes } from "./recorded.ts";
import { checkBytes, operatorsOnText } from "./text.ts";

/** Bytes in several parts of memory, one behind the other. */
export const ofParts = {
  aliases: [],
  // What is read would be any memory, as long as any register says.
  parameters: [],
  facets: { bytes: "text", tail: "text" },
  operators: operatorsOnText("bytes", checkBytes, { end: "tail" }),
  upstreamOperators: textOperators,
  samples: ["secret", "sec", "public", "cret", "c", "x".repeat(9)],
} as const satisfies Partial<ArgKind>;

/** What all parts have; where more than are read end cannot be told. */
export function readParts(parts: readonly Uint8Array[]): Reading {
  const bytes = Buffer.concat(parts);
  return { bytes, tail: bytes.length <= mostBytes ? bytes : "unknown" };
}

/** A `struct iovec *` of the process: as many parts as another argument says. */
export const char_iovec = {
  ...ofParts,
  lengthFields: ["sizeArgIndex", "returnCopy", "maxData"],
  lowerLength,
  read: (index, { parameters }) => {
    const parameter = parameters[index];
    if (parameter?.kind !== "iovec" || parameter.parts === undefined) return "unknown";
    return readParts(parameter.parts);
  },
  recorded: (argument) => {
    const bytes = recordedBytes(argument);
    return bytes && { kind: "iovec", parts: [bytes] };
  },
} as const satisfies ArgKind;

function lowerLength(report: Report, spec: LengthSpec, place: LengthPlace): Length {
  checkSizeArg(report, spec, place);
  const { at, first, last } = place;
  const { sizeArgIndex, returnCopy } = spec;
  if (sizeArgIndex === undefined) {
    const fix = `write which parameter holds the number of parts, ${first + 1} to ${last + 1}`;
    report.invalid(`${at}.sizeArgIndex`, "is missing", fix);
    return {};
  }
  return { sizeArgIndex, ...(returnCopy ? { returnCopy } : {}), ...lowerMaxData(spec) };
}
