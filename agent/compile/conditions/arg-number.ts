import { enums } from "../../gen/layout.ts";
import {
  type Asked,
  equalityDimension,
  type Listing,
  rangeDimension,
  type Spans,
} from "../dims.ts";
import { numberKey } from "../keys.ts";
import type { Compared, Forms } from "./arg-forms.ts";
import type { Dimension, DimensionTables } from "./compiler.ts";
import { maskTables } from "./mask.ts";

const { FACET_ARG_NUMBER, FACET_ARG_MASK, FACET_ARG_RANGE } = enums.facet_kind;

/** Each kind of look-up is a dimension of its own: a number is read again with little effort. */
export const formsOfNumbers: Forms = {
  kindOf(compared) {
    const { form } = compared.operator;
    if (form === "mask") return FACET_ARG_MASK;
    return singles(compared) === undefined ? FACET_ARG_RANGE : FACET_ARG_NUMBER;
  },
  compile(asked, dimension) {
    const kind = this.kindOf(asked[0]!.conditions[0]!);
    if (kind === FACET_ARG_MASK) {
      return maskTables(
        dimension,
        asked.map(({ bit, conditions }) => ({ bit, conditions: conditions.map(maskOf) })),
      );
    }
    return kind === FACET_ARG_RANGE ? rangeTables(dimension, asked) : equalTables(dimension, asked);
  },
};

function equalTables(dimension: Dimension, asked: readonly Asked<Compared>[]): DimensionTables {
  const listings = asked.map(({ bit, conditions }) => ({
    bit,
    conditions: conditions.map(
      (one): Listing => ({ negated: one.operator.negated, values: new Set(singles(one)) }),
    ),
  }));
  const { entries, ...rows } = equalityDimension(dimension, listings);
  const numbers = [...entries].map(([value, bits]) => ({
    key: numberKey(dimension.dim, BigInt(value)),
    value: bits,
  }));
  return { ...rows, numbers };
}

function rangeTables(dimension: Dimension, asked: readonly Asked<Compared>[]): DimensionTables {
  const spans = asked.map(({ bit, conditions }) => ({
    bit,
    conditions: conditions.map(
      (one): Spans => ({ negated: one.operator.negated, spans: spansOf(one) }),
    ),
  }));
  const { intervals, ...rows } = rangeDimension(dimension, spans);
  return {
    ...rows,
    rows: intervals.map(({ bits }) => bits),
    starts: intervals.map(({ start }) => start),
    count: intervals.length,
  };
}

function maskOf({ operator, values }: Compared): bigint {
  if (operator.form !== "mask") throw new Error(`bits are compared by ${operator.form}`);
  return values.reduce((bits, value) => bits | BigInt(value), 0n);
}

function spansOf({ operator, values }: Compared) {
  if (operator.form !== "range") throw new Error(`a range is compared by ${operator.form}`);
  return operator.spans(values);
}

/** The numbers that are listed, in decimal; undefined: some are listed as spans. */
function singles({ operator, values }: Compared): readonly string[] | undefined {
  if (operator.form === "equal") return values;
  if (operator.form !== "range") throw new Error(`a number is compared by ${operator.form}`);
  const spans = operator.spans(values);
  if (spans.some(({ first, last }) => first !== last)) return undefined;
  return spans.map(({ first }) => `${first}`);
}
