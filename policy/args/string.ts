import { maxPathBytes } from "../lower/limits.ts";
import { textOperators } from "../schema/vocabulary.ts";
import type { ArgKind, ArgOperator } from "./kind.ts";
import { checkBytes, operatorsOnText } from "./text.ts";

const { Equal, NotEqual, Prefix, NotPrefix } = operatorsOnText("text", checkBytes);

/** A text in memory, which ends at its first NUL. */
export const string = {
  aliases: [],
  // What ends at a NUL somewhere would be any memory of the kernel.
  parameters: [],
  facets: { text: "text" },
  operators: {
    ...{ Equal: withoutEnd(Equal), NotEqual: withoutEnd(NotEqual) },
    ...{ Prefix: withoutEnd(Prefix), NotPrefix: withoutEnd(NotPrefix) },
  },
  upstreamOperators: textOperators,
  read: (index, { parameters }) => {
    const parameter = parameters[index];
    if (parameter?.kind !== "buffer" || parameter.bytes === undefined) return "unknown";
    const end = parameter.bytes.indexOf(0);
    return { text: end === -1 ? parameter.bytes : parameter.bytes.subarray(0, end) };
  },
  samples: ["secret", "sec", "public\0", "x".repeat(maxPathBytes)],
} as const satisfies ArgKind;

/** The same without the NULs at the end of values: as upstream, they are no part of the text. */
function withoutEnd(operator: ArgOperator<Uint8Array>): ArgOperator<Uint8Array> {
  return {
    ...operator,
    parse: (report, values, place) =>
      operator.parse(
        report,
        values.map((value) => value.replace(/\0+$/, "")),
        place,
      ),
  };
}
