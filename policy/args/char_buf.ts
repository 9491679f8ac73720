import { maxPathBytes } from "../lower/limits.ts";
import type { Report } from "../lower/report.ts";
import { textOperators } from "../schema/vocabulary.ts";
import type { ArgKind, Length, LengthPlace } from "./kind.ts";
import { checkSizeArg, type LengthSpec, lowerMaxData } from "./length.ts";
import { recordedBytes } from "./recorded.ts";
import { checkBytes, operatorsOnText } from "./text.ts";

/** Bytes in the memory of the process: as many as another argument or the return value says. */
export const char_buf = {
  aliases: [],
  // The length of what is read would be any register.
  parameters: [],
  facets: { bytes: "text" },
  operators: operatorsOnText("bytes", checkBytes),
  upstreamOperators: textOperators,
  lengthFields: ["sizeArgIndex", "returnCopy", "maxData"],
  lowerLength,
  read: (index, { parameters }) => {
    const parameter = parameters[index];
    if (parameter?.kind !== "buffer" || parameter.bytes === undefined) return "unknown";
    return { bytes: parameter.bytes };
  },
  recorded: (argument) => {
    const bytes = recordedBytes(argument);
    return bytes && { kind: "buffer", bytes };
  },
  // The last is as long as a value may be; buffers may be longer.
  samples: ["secret", "sec", "public", "cret", "c", "x".repeat(maxPathBytes)],
} as const satisfies ArgKind;

function lowerLength(report: Report, spec: LengthSpec, place: LengthPlace): Length {
  checkSizeArg(report, spec, place);
  const { at } = place;
  const { sizeArgIndex, returnCopy } = spec;
  if (returnCopy) return { returnCopy: true, ...lowerMaxData(spec) };
  if (sizeArgIndex !== undefined) return { sizeArgIndex, ...lowerMaxData(spec) };
  const fix = "write which parameter holds the length, from 1, or returnCopy: true";
  report.invalid(`${at}.sizeArgIndex`, "is missing", fix);
  return {};
}
