import type { Arg } from "@guardbee/policy";
import { argKind, argOperator } from "@guardbee/policy/sets";
import { argCodec } from "../../args/index.ts";
import { enums } from "../../gen/layout.ts";
import { type Asked, equalityDimension, type Listing, prefixDimension } from "../dims.ts";
import { bytes, equalKey, numberKey, prefixKey } from "../keys.ts";
import type { PlannedHook } from "../plan.ts";
import { readingOf } from "../readings.ts";
import type { By, ConditionCompiler, Dimension, DimensionTables } from "./compiler.ts";

const { FACET_ARG_NUMBER, FACET_ARG_TEXT } = enums.facet_kind;
const { MATCH_EQUAL, MATCH_PREFIX } = enums.text_match;

type ByForm = Readonly<Record<Operator["form"], readonly Asked<Listing>[]>>;
type Operator = NonNullable<ReturnType<typeof argOperator>>;
type FacetType = ReturnType<typeof argKind>["facets"][string];

export const arg: ConditionCompiler<By<"arg">> = {
  facet(condition, planned) {
    const { read, type, part } = comparedBy(condition, planned);
    return { kind: facetTypes[type].kind, part, reading: readingOf(read) };
  },
  compile(asked, dimension) {
    const listed = (form: Operator["form"]) =>
      asked.flatMap(({ bit, conditions }) => {
        const some = conditions.flatMap((condition) => {
          const { operator } = comparedBy(condition, dimension.hookOf(bit));
          return operator.form === form ? [listing(operator, condition.values)] : [];
        });
        return some.length === 0 ? [] : [{ bit, conditions: some }];
      });
    const { bit, conditions } = asked[0]!;
    const { type } = comparedBy(conditions[0]!, dimension.hookOf(bit));
    return facetTypes[type].compile(
      { equal: listed("equal"), prefix: listed("prefix") },
      dimension,
    );
  },
};

/** How a facet of each type is compared: the engine's kind for it, and its tables. */
const facetTypes: Readonly<
  Record<
    FacetType,
    {
      readonly kind: number;
      readonly compile: (asked: ByForm, dimension: Dimension) => DimensionTables;
    }
  >
> = {
  number: { kind: FACET_ARG_NUMBER, compile: numberTables },
  text: { kind: FACET_ARG_TEXT, compile: textTables },
};

type Compared = {
  readonly read: Arg;
  readonly operator: Operator;
  readonly type: FacetType;
  readonly part: number;
};

function comparedBy({ arg: position, op }: By<"arg">, { hook }: PlannedHook): Compared {
  const read = hook.args[position]!;
  const operator = argOperator(read.type, op)!; // sets are checked when they come
  const type = argKind(read.type).facets[operator.facet]!;
  return { read, operator, type, part: argCodec(read.type).parts[operator.facet]! };
}

function listing({ negated }: Operator, values: readonly string[]): Listing {
  return { negated, values: new Set(values.map(bytes)) };
}

function numberTables({ equal, prefix }: ByForm, dimension: Dimension): DimensionTables {
  if (prefix.length > 0) throw new Error("a number is compared by prefix");
  const { entries, ...rows } = equalityDimension(dimension, equal);
  const numbers = [...entries].map(([value, bits]) => ({
    key: numberKey(dimension.dim, BigInt(value)),
    value: bits,
  }));
  return { ...rows, numbers };
}

function textTables({ equal, prefix }: ByForm, dimension: Dimension): DimensionTables {
  const { dim } = dimension;
  const equals = equalityDimension(dimension, equal);
  const prefixes = prefixDimension(dimension, prefix);
  const asking = new Set([...equal, ...prefix].map(({ bit }) => bit));
  return {
    otherwise: prefixes.otherwise,
    absent: dimension.where((bit) => !asking.has(bit)),
    unequal: equals.otherwise,
    match: (equal.length > 0 ? MATCH_EQUAL : 0) | (prefix.length > 0 ? MATCH_PREFIX : 0),
    equals: [...equals.entries].map(([text, value]) => ({ key: equalKey(dim, text), value })),
    prefixes: [...prefixes.entries].map(([text, value]) => ({ key: prefixKey(dim, text), value })),
  };
}
