import { enums } from "../../gen/layout.ts";
import { type Asked, equalityDimension, type Listing, prefixDimension } from "../dims.ts";
import { bytes, equalKey, prefixKey } from "../keys.ts";
import type { Compared, Forms, Operator } from "./arg-forms.ts";

const { MATCH_EQUAL, MATCH_PREFIX } = enums.text_match;

/** A text takes part in several look-ups, so that it is read once and what seems to be known is one answer. */
export const formsOfTexts: Forms = {
  kindOf: () => enums.facet_kind.FACET_ARG_TEXT,
  compile(asked, dimension) {
    const { dim } = dimension;
    const [equal, prefix] = [listed(asked, "equal"), listed(asked, "prefix")];
    const equals = equalityDimension(dimension, equal);
    const prefixes = prefixDimension(dimension, prefix);
    const asking = new Set(asked.map(({ bit }) => bit));
    return {
      otherwise: prefixes.otherwise,
      absent: dimension.where((bit) => !asking.has(bit)),
      unequal: equals.otherwise,
      match: (equal.length > 0 ? MATCH_EQUAL : 0) | (prefix.length > 0 ? MATCH_PREFIX : 0),
      equals: [...equals.entries].map(([text, value]) => ({ key: equalKey(dim, text), value })),
      prefixes: [...prefixes.entries].map(([text, value]) => ({
        ...{ key: prefixKey(dim, text), value },
      })),
    };
  },
};

function listed(
  asked: readonly Asked<Compared>[],
  form: Operator["form"],
): readonly Asked<Listing>[] {
  return asked.flatMap(({ bit, conditions }) => {
    const some = conditions.filter(({ operator }) => operator.form === form);
    if (some.length === 0) return [];
    return [{ bit, conditions: some.map((one) => listing(one)) }];
  });
}

function listing({ operator: { negated }, values }: Compared): Listing {
  return { negated, values: new Set(values.map(bytes)) };
}
