import type { ArgKind } from "./kind.ts";
import { recordedText } from "./recorded.ts";
import { ofText, readText } from "./string.ts";

/** A `struct filename *`: a path as a process wrote it. */
export const filename = {
  ...ofText,
  instead: "use type string, or hook a kernel function that is given one",
  read: (index, { parameters }) => {
    const parameter = parameters[index];
    if (parameter?.kind !== "filename" || parameter.bytes === undefined) return "unknown";
    return readText(parameter.bytes);
  },
  recorded: (argument) => {
    const text = recordedText(argument);
    return text && { kind: "filename", bytes: text };
  },
} as const satisfies ArgKind;
