import { sorted } from "../order.ts";
import { BigNumber, formatValue, RegoObject, RegoSet, type RegoValue } from "../value.ts";
import type { Builtin } from "./builtin.ts";
import { type GoValue, goSprintf } from "./go-format.ts";
import { quote } from "./go-quote.ts";
import { arrayOf, stringOf } from "./operands.ts";

export const sprintf: Builtin = (format, values) =>
  goSprintf(stringOf(format), arrayOf(values).map(goValueOf));

/** As topdown/strings.go hands values to Go: whole numbers, fractions, and all else as text. */
function goValueOf(value: RegoValue): GoValue {
  if (typeof value === "string") return { type: "string", value };
  if (typeof value !== "number" && !(value instanceof BigNumber)) {
    return { type: "string", value: display(sorted(value)) };
  }
  const text = formatValue(value);
  if (!/^-?\d+$/.test(text)) {
    const fraction = Number(text);
    if (Number.isFinite(fraction)) return { type: "float64", value: fraction };
    return { type: "string", value: text };
  }
  const whole = BigInt(text);
  return { type: BigInt.asIntN(64, whole) === whole ? "int64" : "*big.Int", value: whole };
}

/** As OPA prints values: strings in Go's quotes, not JSON's. */
export function display(value: RegoValue): string {
  if (typeof value === "string") return quote(value, false);
  if (value instanceof RegoSet) {
    return value.items.length === 0 ? "set()" : `{${value.items.map(display).join(", ")}}`;
  }
  if (value instanceof RegoObject) {
    return `{${value.entries.map(([k, v]) => `${display(k)}: ${display(v)}`).join(", ")}}`;
  }
  return Array.isArray(value) ? `[${value.map(display).join(", ")}]` : formatValue(value);
}
