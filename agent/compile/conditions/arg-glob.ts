import { enums } from "../../gen/layout.ts";
import { globAutomatonOf } from "../glob-automaton.ts";
import type { Forms } from "./arg-forms.ts";
import { encodeAutomaton } from "./arg-substring.ts";

const { SUBSTRING_STATES_MAX } = enums.substring_limit;

/** One automaton for all patterns that a text is compared with. */
export const formsOfGlobs: Forms = {
  kindOf: () => enums.facet_kind.FACET_ARG_GLOB,
  compile(asked, { where, symbol }) {
    const byBit = new Map(asked.map(({ bit, conditions }) => [bit, conditions]));
    const patterns = new Set(
      asked.flatMap(({ conditions }) => conditions.flatMap(({ values }) => values)),
    );
    const automaton = globAutomatonOf([...patterns].sort(), SUBSTRING_STATES_MAX);
    if (automaton === undefined) {
      throw new RangeError(
        `${symbol}: the patterns of its policies have too many ways to go on; the engine takes ${SUBSTRING_STATES_MAX} on one attach point: write fewer with **, or with * in their middle`,
      );
    }
    const rowOf = (met: ReadonlySet<string>) =>
      where((bit) =>
        (byBit.get(bit) ?? []).every(({ values }) => values.some((value) => met.has(value))),
      );
    const unasked = rowOf(new Set());
    return {
      ...{ otherwise: unasked, absent: unasked, match: enums.text_match.MATCH_SUBSTRING },
      rows: [unasked, ...automaton.ends.map(rowOf)],
      substring: encodeAutomaton(automaton, { lists: 1, symbol }),
    };
  },
};
