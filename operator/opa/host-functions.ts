/**
 * `host`: the builtin of the host answers, `for` all operands, where all are numbers, or where all
 * are numbers and one is no plain integer; else the module's own function does. `copy`: the
 * module's own copies an object, and all else becomes a new object.
 */
export type Replacement =
  | {
      readonly kind: "host";
      readonly builtin: string;
      readonly for: "all" | "numbers" | "fractions";
      /** The operands that `for` looks at; default all. */
      readonly operands?: readonly number[];
    }
  | { readonly kind: "copy" };

const host = (builtin: string): Replacement => ({ kind: "host", builtin, for: "all" });
const fractions = (builtin: string, operands?: readonly number[]): Replacement => ({
  ...{ kind: "host", builtin, for: "fractions" },
  ...(operands === undefined ? {} : { operands }),
});

/**
 * The functions of OPA's C library (wasm/src) whose answer differs from that of `opa eval`, and what
 * takes their place. Each is compared with the real `opa` (rego/testdata/parity/builtins.txt).
 */
export const hostFunctions: Readonly<Record<string, Replacement>> = {
  opa_arith_plus: fractions("plus"),
  opa_arith_minus: fractions("minus"),
  opa_arith_multiply: fractions("mul"),
  opa_arith_divide: { kind: "host", builtin: "div", for: "numbers" },
  opa_arith_rem: fractions("rem"),
  opa_arith_abs: fractions("abs"),
  opa_arith_round: fractions("round"),
  opa_arith_ceil: fractions("ceil"),
  opa_arith_floor: fractions("floor"),
  opa_bits_and: fractions("bits.and"),
  opa_bits_or: fractions("bits.or"),
  opa_bits_xor: fractions("bits.xor"),
  opa_bits_negate: fractions("bits.negate"),
  opa_strings_substring: fractions("substring", [1, 2]),
  opa_array_slice: fractions("array.slice", [1, 2]),
  opa_agg_sum: host("sum"),
  opa_agg_product: host("product"),
  opa_to_number: host("to_number"),
  opa_strings_format_int: host("format_int"),
  // Never ends where the text to be replaced is empty.
  opa_strings_replace: host("replace"),
  opa_strings_replace_n: host("strings.replace_n"),
  opa_strings_indexof: host("indexof"),
  // Keep a set in the order of its hash table.
  opa_strings_concat: host("concat"),
  opa_template_string: host("internal.template_string"),
  opa_json_marshal: host("json.marshal"),
  opa_json_unmarshal: host("json.unmarshal"),
  opa_json_is_valid: host("json.is_valid"),
  opa_base64_decode: host("base64.decode"),
  opa_base64_is_valid: host("base64.is_valid"),
  opa_base64_url_decode: host("base64url.decode"),
  opa_glob_match: host("glob.match"),
  builtin_object_union_n: host("object.union_n"),
  // `with input.a as 1` of an input that is no object writes over what is next in memory. Only
  // `with` and the sort of an array copy.
  opa_value_shallow_copy: { kind: "copy" },
  opa_agg_sort: host("sort"),
};

/** Above any number that `opa build` gives to a builtin of the host. */
const firstNumber = 1 << 24;
const names = Object.keys(hostFunctions);

/** What a mended function calls its builtin by. */
export function hostNumber(name: string): number {
  return firstNumber + names.indexOf(name);
}

/** The builtins by those numbers. */
export const hostNumbers: ReadonlyMap<number, string> = new Map(
  Object.entries(hostFunctions).flatMap(([name, replacement]) =>
    replacement.kind === "host" ? [[hostNumber(name), replacement.builtin]] : [],
  ),
);
