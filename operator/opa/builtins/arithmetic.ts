import { sorted } from "../order.ts";
import { BigNumber, parseNumber, type RegoValue } from "../value.ts";
import { type Builtin, BuiltinError } from "./builtin.ts";
import {
  add,
  divide,
  type Fraction,
  formatBigFloat,
  fraction,
  fractionOf,
  multiply,
  negate,
  roundToBits,
  truncate,
  wholeOf,
} from "./go-big-float.ts";
import { bigIntOf, membersOf, numberOf, numberTextOf, stringOf } from "./operands.ts";

/** As topdown/arithmetic.go: exact for whole numbers, else in floats of 64 bits of mantissa. */
export const arithmetic: Readonly<Record<string, Builtin>> = {
  plus: binary((x, y) => x + y, add),
  minus: binary(
    (x, y) => x - y,
    (x, y) => add(x, negate(y)),
  ),
  mul: binary((x, y) => x * y, multiply),
  div: (x, y) => quotient(exactOf(x), exactOf(y)),
  rem: (x, y) => remainder(wholeOf(exactOf(x)), wholeOf(exactOf(y))),
  abs: (x) => {
    const value = floatOf(x);
    return floatNumber(value.numerator < 0n ? negate(value) : value);
  },
  round: (x) => {
    const value = floatOf(x);
    return numberOf(truncate(roundToBits(add(value, value.numerator < 0n ? negate(half) : half))));
  },
  ceil: (x) => ceil(floatOf(x)),
  floor: (x) => floor(floatOf(x)),
  // The module's own take 1 and not 1.0.
  "bits.and": (x, y) => numberOf(bigIntOf(x) & bigIntOf(y)),
  "bits.or": (x, y) => numberOf(bigIntOf(x) | bigIntOf(y)),
  "bits.xor": (x, y) => numberOf(bigIntOf(x) ^ bigIntOf(y)),
  "bits.negate": (x) => numberOf(~bigIntOf(x)),
  sum: (xs) => accumulate(xs!, fraction(0n), add, 64),
  // OPA begins with a float of 53 bits, and the product keeps to it.
  product: (xs) => accumulate(xs!, fraction(1n), multiply, 53),
  to_number: (value) => toNumber(value!),
  format_int: (number, base) => formatInt(numberTextOf(number), numberTextOf(base)),
};

const half: Fraction = { numerator: 1n, denominator: 2n };

function exactOf(value: RegoValue | undefined): Fraction {
  return fractionOf(numberTextOf(value));
}

function floatOf(value: RegoValue | undefined): Fraction {
  return roundToBits(exactOf(value));
}

function floatNumber(value: Fraction, bits = 64): RegoValue {
  return parseNumber(formatBigFloat(roundToBits(value, bits), bits));
}

function binary(
  exact: (x: bigint, y: bigint) => bigint,
  float: (x: Fraction, y: Fraction) => Fraction,
): Builtin {
  return (x, y) => {
    const [a, b] = [exactOf(x), exactOf(y)];
    const [wholeA, wholeB] = [wholeOf(a), wholeOf(b)];
    if (wholeA !== undefined && wholeB !== undefined) return numberOf(exact(wholeA, wholeB));
    return floatNumber(float(roundToBits(a), roundToBits(b)));
  };
}

function quotient(a: Fraction, b: Fraction): RegoValue {
  if (b.numerator === 0n) throw new BuiltinError("divide by zero");
  return floatNumber(divide(roundToBits(a), roundToBits(b)));
}

function remainder(a: bigint | undefined, b: bigint | undefined): RegoValue {
  if (a === undefined || b === undefined) throw new BuiltinError("modulo on a fraction");
  if (b === 0n) throw new BuiltinError("modulo by zero");
  return numberOf(a % b);
}

/** OPA's: of -0.5 it is 1, as the 0 that is cut from it has no sign. */
function ceil(value: Fraction): RegoValue {
  const whole = truncate(value);
  if (whole < 0n || wholeOf(value) !== undefined) return numberOf(whole);
  return floatNumber(fraction(whole + 1n));
}

/** OPA's: of -0.5 it is 0. */
function floor(value: Fraction): RegoValue {
  const whole = truncate(value);
  if (whole >= 0n || wholeOf(value) !== undefined) return numberOf(whole);
  return floatNumber(fraction(whole - 1n));
}

function accumulate(
  xs: RegoValue,
  start: Fraction,
  combine: (a: Fraction, b: Fraction) => Fraction,
  bits: number,
): RegoValue {
  const numbers = membersOf(sorted(xs)).map(exactOf);
  if (numbers.every((one) => wholeOf(one) !== undefined)) {
    return numberOf(truncate(numbers.reduce(combine, start)));
  }
  const float = numbers.reduce(
    (total, one) => roundToBits(combine(total, roundToBits(one)), bits),
    start,
  );
  return floatNumber(float, bits);
}

function toNumber(value: RegoValue): RegoValue {
  if (value === null || value === false) return 0;
  if (value === true) return 1;
  if (typeof value === "number" || value instanceof BigNumber) return value;
  const text = stringOf(value);
  const match = /^([+-]?)(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.exec(text);
  if (match === null || !Number.isFinite(Number(text))) throw new BuiltinError("is no number");
  const [, sign, digits = "", exponent = ""] = match;
  const [whole = "", rest = ""] = digits.split(".");
  const decimal = (whole.replace(/^0+(?=.)/, "") || "0") + (rest === "" ? "" : `.${rest}`);
  return parseNumber((sign === "-" ? "-" : "") + decimal + exponent);
}

const radixes: Readonly<Record<string, number>> = { "2": 2, "8": 8, "10": 10, "16": 16 };

function formatInt(number: string, base: string): string {
  const radix = radixes[base];
  if (radix === undefined) throw new BuiltinError("base is none of 2, 8, 10 and 16");
  const whole = /^-?\d+$/.test(number) ? BigInt(number) : truncate(roundToBits(fractionOf(number)));
  return whole.toString(radix);
}
