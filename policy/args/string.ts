import { maxPostfixBytes } from "../lower/limits.ts";
import { textOperators } from "../schema/vocabulary.ts";
import type { ArgKind, ArgOperator, Reading } from "./kind.ts";
import { mostBytes } from "./length.ts";
import { recordedText } from "./recorded.ts";
import { checkBytes, operatorsOnText } from "./text.ts";

/** A text in memory, which ends at its first NUL. */
export const ofText = {
  aliases: [],
  // What ends at a NUL somewhere would be any memory of the kernel.
  parameters: [],
  facets: { text: "text", tail: "text" },
  operators: withoutEnds(operatorsOnText("text", checkBytes, { end: "tail" })),
  upstreamOperators: textOperators,
  samples: ["secret", "sec", "public\0", "cret", "x".repeat(maxPostfixBytes), "x".repeat(9)],
} as const satisfies Partial<ArgKind>;

/** What is in memory up to the first NUL. Longer texts are read in part: where they end cannot be told. */
export function readText(bytes: Uint8Array): Reading {
  const end = bytes.indexOf(0);
  const text = bytes.subarray(0, Math.min(end === -1 ? bytes.length : end, mostBytes));
  return { text, tail: text.length < mostBytes ? text : "unknown" };
}

export const string = {
  ...ofText,
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

/** The same without the NULs at the end of values: as upstream, they are no part of the text. */
function withoutEnds<All extends Readonly<Record<string, ArgOperator<Uint8Array>>>>(all: All): All {
  return Object.fromEntries(
    Object.entries(all).map(([name, operator]) => [name, withoutEnd(operator)]),
  ) as All;
}

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
