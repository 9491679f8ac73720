import type { ArgKind } from "./kind.ts";
import { recordedText } from "./recorded.ts";
import { ofText, readText } from "./string.ts";

/** Text in the record of a tracepoint. */
export const data_loc = {
  ...ofText,
  insteadOfField: "use type string",
  read: (index, { parameters }) => {
    const parameter = parameters[index];
    if (parameter?.kind !== "buffer" || parameter.bytes === undefined) return "unknown";
    return readText(parameter.bytes);
  },
  recorded: (argument) => {
    const text = recordedText(argument);
    return text && { kind: "buffer", bytes: text };
  },
} as const satisfies ArgKind;
