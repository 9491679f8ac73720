import { enums } from "../../gen/layout.ts";
import { setBit } from "../bits.ts";
import type { Asked } from "../dims.ts";
import { type GlobState, globAutomatonOf } from "../glob-automaton.ts";
import { encodeGlobs } from "../glob-table.ts";
import type { Compared, Forms } from "./arg-forms.ts";

const { GLOB_STATES_MAX } = enums.glob_limit;

/** One automaton for all patterns that a text is compared with. */
export const formsOfGlobs: Forms = {
  kindOf: () => enums.facet_kind.FACET_ARG_GLOB,
  compile(asked, { where, symbol }) {
    const byBit = new Map(asked.map(({ bit, conditions }) => [bit, conditions]));
    const patterns = new Set(
      asked.flatMap(({ conditions }) => conditions.flatMap(({ values }) => values)),
    );
    const unasked = where((bit) => !byBit.has(bit));
    const users = usersOf(asked);
    const rowOf = (met: readonly string[]) => {
      const row = Uint8Array.from(unasked);
      for (const bit of met.flatMap((pattern) => [...(users.get(pattern) ?? [])])) {
        const isMet = byBit
          .get(bit)!
          .every(({ values }) => values.some((one) => met.includes(one)));
        if (isMet) setBit(row, bit, true);
      }
      return row;
    };
    const rows = [unasked];
    const numbers = new Map([["", 0]]);
    const numberOf = ({ met }: GlobState) => {
      const key = met.join("\n");
      const known = numbers.get(key);
      if (known !== undefined) return known;
      numbers.set(key, rows.length);
      return rows.push(rowOf(met)) - 1;
    };
    const automaton = globAutomatonOf([...patterns].sort(), GLOB_STATES_MAX);
    const substring = automaton && encodeGlobs(automaton, numberOf);
    if (substring === undefined) {
      throw new RangeError(
        `${symbol}: the patterns of its policies have too many ways to go on; the engine takes ${GLOB_STATES_MAX} on one attach point: write fewer with **, or with * in their middle`,
      );
    }
    const match = enums.text_match.MATCH_SUBSTRING;
    return { otherwise: unasked, absent: unasked, match, rows, substring };
  },
};

/** The bits that ask for a pattern. */
function usersOf(asked: readonly Asked<Compared>[]): ReadonlyMap<string, ReadonlySet<number>> {
  const users = new Map<string, Set<number>>();
  for (const { bit, conditions } of asked) {
    for (const value of conditions.flatMap(({ values }) => values)) {
      users.set(value, (users.get(value) ?? new Set()).add(bit));
    }
  }
  return users;
}
