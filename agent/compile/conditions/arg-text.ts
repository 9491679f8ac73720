import { enums } from "../../gen/layout.ts";
import { type Asked, equalityDimension, type Listing, prefixDimension } from "../dims.ts";
import { bytes, equalKey, prefixKey, reversed } from "../keys.ts";
import type { Compared, Forms, Operator } from "./arg-forms.ts";
import { formsOfGlobs } from "./arg-glob.ts";
import { formsOfSubstrings } from "./arg-substring.ts";

const { MATCH_EQUAL, MATCH_PREFIX, MATCH_POSTFIX } = enums.text_match;
const { PREFIX_REVERSED } = enums.prefix_flag;

/** A text takes part in several look-ups, so that it is read once and what seems to be known is one answer. */
export const formsOfTexts: Forms = {
  kindOf(compared) {
    const { form } = compared.operator;
    if (form === "substring") return formsOfSubstrings.kindOf(compared);
    if (form === "glob") return formsOfGlobs.kindOf(compared);
    return enums.facet_kind.FACET_ARG_TEXT;
  },
  compile(asked, dimension) {
    const { form } = asked[0]!.conditions[0]!.operator;
    if (form === "substring") return formsOfSubstrings.compile(asked, dimension);
    if (form === "glob") return formsOfGlobs.compile(asked, dimension);
    const { dim } = dimension;
    const equal = listed(asked, "equal");
    const prefix = listed(asked, "prefix");
    const postfix = listed(asked, "postfix");
    const equals = equalityDimension(dimension, equal);
    const prefixes = prefixDimension(dimension, prefix);
    const postfixes = prefixDimension(dimension, allReversed(postfix));
    const asking = new Set(asked.map(({ bit }) => bit));
    return {
      otherwise: prefixes.otherwise,
      absent: dimension.where((bit) => !asking.has(bit)),
      unequal: equals.otherwise,
      unended: postfixes.otherwise,
      match:
        (equal.length > 0 ? MATCH_EQUAL : 0) |
        (prefix.length > 0 ? MATCH_PREFIX : 0) |
        (postfix.length > 0 ? MATCH_POSTFIX : 0),
      count: Math.max(0, ...postfixes.entries.keys().map(({ length }) => length)),
      equals: [...equals.entries].map(([text, value]) => ({ key: equalKey(dim, text), value })),
      prefixes: [
        ...[...prefixes.entries].map(([text, value]) => ({ key: prefixKey(dim, text), value })),
        ...[...postfixes.entries].map(([text, value]) => ({
          ...{ key: prefixKey(dim | PREFIX_REVERSED, text), value },
        })),
      ],
    };
  },
};

/** The same with values that begin with their last byte. */
function allReversed(asked: readonly Asked<Listing>[]): readonly Asked<Listing>[] {
  return asked.map(({ bit, conditions }) => ({
    bit,
    conditions: conditions.map(({ negated, values }) => ({
      ...{ negated, values: new Set([...values].map(reversed)) },
    })),
  }));
}

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
