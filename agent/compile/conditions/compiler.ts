import type { Condition } from "@guardbee/policy";
import type { layout } from "../../gen/layout.ts";
import type { Values } from "../../layout/struct.ts";
import type { Bits } from "../bits.ts";
import type { Asked, Space } from "../dims.ts";
import type { Entry } from "../keys.ts";
import type { PlannedHook } from "../plan.ts";
import type { Reading } from "../readings.ts";
import type { Need, Place } from "../resources.ts";
import type { Shared } from "../shared.ts";

/** What is compared. Conditions of one attach point on equal facets are one dimension. */
export type Facet = {
  /** enum facet_kind: the engine goes through facets in the order of their kinds. */
  readonly kind: number;
  /** Which one, where the kind or the argument's type has several. */
  readonly part?: number;
  readonly reading?: Reading;
  /** Where two are compared. */
  readonly other?: Reading;
};

/** A dimension that is compiled: the selectors that are bits of it, and its number. */
export type Dimension = Space & {
  readonly dim: number;
  readonly shared: Shared;
  /** The hook function's name, for messages. */
  readonly symbol: string;
  /** Whose selector a bit is. */
  hookOf(bit: number): PlannedHook;
};

/** What a dimension adds to the tables of its attach point. */
export type DimensionTables = {
  /** Left when the value is in no list, or cannot be told. */
  readonly otherwise: Bits;
  /** Left when by its nature there is no value to compare. */
  readonly absent: Bits;
  /** Left when a text equals no listed one, or cannot be told. */
  readonly unequal?: Bits;
  /** Left when a text ends with no listed one, or its end cannot be told. */
  readonly unended?: Bits;
  /** facet.match */
  readonly match?: number;
  readonly numbers?: readonly Entry[];
  readonly equals?: readonly Entry[];
  readonly prefixes?: readonly Entry[];
  /** Its own in the map `rows`, and how many things they are of: struct table_facet. */
  readonly rows?: readonly Bits[];
  readonly count?: number;
  /** Of a range: the least number that each of `rows` is for. */
  readonly starts?: readonly bigint[];
  readonly caps?: readonly CapTest[];
  /** Its entry in the map `substrings`, the number of which is `count`. */
  readonly substring?: Uint8Array;
};

/** How conditions of one kind become tables. */
export type ConditionCompiler<C> = {
  /** What `condition` compares, in a selector of `planned`. */
  facet(condition: C, planned: PlannedHook): Facet;
  /** The tables of one facet; throws RangeError where a stated limit of the engine is exceeded. */
  compile(asked: readonly Asked<C>[], dimension: Dimension): DimensionTables;
  /** What it takes of the attach point or the node, beside its facet and its values. */
  needs?(condition: C, place: Place): readonly Need<ReadonlySet<string>>[];
};

export type By<K extends Condition["by"]> = Extract<Condition, { readonly by: K }>;
export type CapTest = Values<(typeof layout)["hook_table"]["fields"]["caps"]["type"]>;
