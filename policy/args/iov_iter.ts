import { ofParts, readParts } from "./char_iovec.ts";
import type { ArgKind } from "./kind.ts";
import { lowerMaxData } from "./length.ts";
import { recordedBytes } from "./recorded.ts";

/** A `struct iov_iter *`: what of a process is left to be written, or where is left to be read to. */
export const iov_iter = {
  ...ofParts,
  instead: "hook a kernel function that is given one, or read a char_iovec",
  lengthFields: ["maxData"],
  lowerLength: (_report, spec) => lowerMaxData(spec),
  read: (index, { parameters }) => {
    const parameter = parameters[index];
    if (parameter?.kind !== "iov_iter" || parameter.parts === undefined) return "unknown";
    return readParts(parameter.parts);
  },
  recorded: (argument) => {
    const bytes = recordedBytes(argument);
    return bytes && { kind: "iov_iter", parts: [bytes] };
  },
} as const satisfies ArgKind;
