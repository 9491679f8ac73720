import { enums, layout } from "../../gen/layout.ts";
import { bytesOf } from "../../layout/struct.ts";
import { type Automaton, automatonOf } from "../automaton.ts";
import { bytes } from "../keys.ts";
import type { Compared, Forms } from "./arg-forms.ts";

const { SUBSTRING_LISTS_MAX, SUBSTRING_STATES_MAX, SUBSTRING_SIZE_MAX } = enums.substring_limit;
const { FACET_ARG_SUBSTRING, FACET_ARG_SUBSTRING_CASELESS } = enums.facet_kind;

/** One automaton for all texts that are looked for in another. */
export const formsOfSubstrings: Forms = {
  kindOf: ({ operator }) =>
    ignoresCase(operator) ? FACET_ARG_SUBSTRING_CASELESS : FACET_ARG_SUBSTRING,
  compile(asked, { where, symbol }) {
    const byBit = new Map(
      asked.map(({ bit, conditions }) => [
        bit,
        conditions.map(({ values }) => new Set(values.map(bytes))),
      ]),
    );
    const lists = Math.max(...asked.map(({ conditions }) => conditions.length));
    if (lists > SUBSTRING_LISTS_MAX) {
      throw new RangeError(
        `${symbol}: a selector looks for parts of one argument ${lists} times; the engine takes ${SUBSTRING_LISTS_MAX}`,
      );
    }
    const all = new Set([...byBit.values()].flat().flatMap((texts) => [...texts]));
    const caseless = ignoresCase(asked[0]!.conditions[0]!.operator);
    const automaton = automatonOf([...all].sort(), caseless ? lowerCase : undefined);
    const rowsOf = (list: number) => [
      where((bit) => byBit.get(bit)?.[list] === undefined),
      ...automaton.ends.map((ends) =>
        where((bit) => !(byBit.get(bit)?.[list]?.isDisjointFrom(ends) ?? true)),
      ),
    ];
    const unasked = where((bit) => !byBit.has(bit));
    return {
      ...{ otherwise: unasked, absent: unasked, match: enums.text_match.MATCH_SUBSTRING },
      rows: Array.from({ length: lists }, (_, list) => rowsOf(list)).flat(),
      substring: encodeAutomaton(automaton, { lists, symbol }),
    };
  },
};

/** struct substring_head and the states behind it. */
export function encodeAutomaton(
  { next, classes, classBits, ends }: Automaton,
  { lists, symbol }: { readonly lists: number; readonly symbol: string },
): Uint8Array {
  const head = bytesOf(layout.substring_head, {
    ...{ lists, ends: ends.length, class_bits: classBits, classes },
  });
  const size = head.length + next.length * (2 << classBits);
  if (next.length > SUBSTRING_STATES_MAX || size > SUBSTRING_SIZE_MAX) {
    throw new RangeError(
      `${symbol}: what texts are looked through for has ${next.length} beginnings; the engine takes ${SUBSTRING_STATES_MAX} on one attach point, and less of texts with more than 128 different characters`,
    );
  }
  const table = Buffer.alloc(size);
  table.set(head);
  for (const [state, row] of next.entries()) {
    table.set(
      new Uint8Array(row.buffer, row.byteOffset, row.byteLength),
      head.length + state * row.byteLength,
    );
  }
  return table;
}

function ignoresCase(operator: Compared["operator"]): boolean {
  if (operator.form !== "substring") throw new Error(`a text is compared by ${operator.form}`);
  return operator.ignoresCase;
}

/** Of letters of ASCII; others are as they are. */
function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
