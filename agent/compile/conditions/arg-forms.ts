import type { argOperator } from "@guardbee/policy/sets";
import type { Dimension, DimensionTables } from "./compiler.ts";

export type Operator = NonNullable<ReturnType<typeof argOperator>>;

/** What a condition asks of a facet: how it is compared, and with what. */
export type Compared = { readonly operator: Operator; readonly values: readonly string[] };

/** How facets of one type are compared. */
export type Forms = {
  /** enum facet_kind of such a comparison: those of one kind are one dimension. */
  kindOf(compared: Compared): number;
  /** The tables of one dimension. */
  compile(
    asked: readonly { readonly bit: number; readonly conditions: readonly Compared[] }[],
    dimension: Dimension,
  ): DimensionTables;
};
