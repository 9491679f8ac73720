import type { RegoValue } from "../value.ts";
import { parseNumber } from "../value.ts";
import { type Builtin, BuiltinError } from "./builtin.ts";
import {
  type Fraction,
  fraction,
  fractionOf,
  multiply,
  roundToBits,
  truncate,
} from "./go-big-float.ts";
import { numberOf, stringOf } from "./operands.ts";

export const units: Readonly<Record<string, Builtin>> = {
  "units.parse": (text) => parseUnits(stringOf(text)),
  "units.parse_bytes": (text) => parseBytes(stringOf(text)),
};

const letters = ["k", "m", "g", "t", "p", "e"];

/** 1 for none, 1000s for k, kb and on, 1024s for ki, kib and on. */
function multiplier(unit: string): bigint | undefined {
  if (unit === "") return 1n;
  const power = BigInt(letters.indexOf(unit[0]!) + 1);
  if (power === 0n) return undefined;
  if (unit.length === 1) return 1000n ** power;
  return unit[1] === "i" && unit.length === 2 ? 1024n ** power : undefined;
}

function parseBytes(raw: string): RegoValue {
  const { digits, unit } = splitUnit(raw.toLowerCase().replaceAll('"', ""));
  const factor = multiplier(unit.length > 1 ? unit.replace(/b$/, "") : unit);
  if (factor === undefined) throw new BuiltinError(`byte unit ${unit} not recognized`);
  const amount = amountOf(digits);
  // OPA multiplies floats of 64 bits of mantissa, then cuts.
  return numberOf(truncate(roundToBits(multiply(roundToBits(amount), fraction(factor)))));
}

function parseUnits(raw: string): RegoValue {
  const { digits, unit } = splitUnit(raw.replaceAll('"', ""));
  const lower = unit.slice(0, 1) + unit.slice(1).toLowerCase();
  const amount = amountOf(digits);
  if (lower === "m") return decimal(multiply(amount, milli));
  const factor = multiplier(
    lower === "M" || lower !== "" ? lower[0]!.toLowerCase() + lower.slice(1) : "",
  );
  if (factor === undefined || /b/i.test(lower))
    throw new BuiltinError(`unit ${unit} not recognized`);
  return decimal(multiply(amount, fraction(factor)));
}

/** The double 0.001 exactly, as OPA multiplies by it: 1152921504606847 / 2^60. */
const milli: Fraction = { numerator: 1152921504606847n, denominator: 2n ** 60n };

/** The amount in front, as Go reads it, and the unit behind: topdown/parse_bytes.go. */
function splitUnit(text: string): { readonly digits: string; readonly unit: string } {
  if (text.includes(" ")) throw new BuiltinError("spaces not allowed in resource strings");
  const digits = /^(?:[\d.+-]|e(?=[\d+-])[+-]?)*/i.exec(text)![0];
  if (/e[+-]?\d{7}/i.test(digits)) throw new BuiltinError("exponent too large");
  if (digits === "") throw new BuiltinError("no amount provided");
  return { digits, unit: text.slice(digits.length) };
}

function amountOf(digits: string): Fraction {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(digits)) {
    throw new BuiltinError("could not parse amount to a number");
  }
  return fractionOf(digits);
}

/** A whole number, or ten places, rounded half away from 0. */
function decimal({ numerator, denominator }: Fraction): RegoValue {
  if (numerator % denominator === 0n) return numberOf(numerator / denominator);
  const negative = numerator < 0n;
  const scaled = (negative ? -numerator : numerator) * 10n ** 10n;
  const rounded = (scaled * 2n + denominator) / (denominator * 2n);
  const digits = rounded.toString().padStart(11, "0");
  return parseNumber(`${negative ? "-" : ""}${digits.slice(0, -10)}.${digits.slice(-10)}`);
}
