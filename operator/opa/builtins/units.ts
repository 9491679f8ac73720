import type { RegoValue } from "../value.ts";
import { parseNumber } from "../value.ts";
import { type Builtin, BuiltinError } from "./builtin.ts";
import { numberOf, stringOf } from "./operands.ts";

export const units: Readonly<Record<string, Builtin>> = {
  "units.parse": (text) => parseUnits(stringOf(text)),
  "units.parse_bytes": (text) => parseBytes(stringOf(text)),
};

/** A fraction in lowest numbers or not; the denominator is above 0. */
type Fraction = { readonly numerator: bigint; readonly denominator: bigint };

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
  const amount = fractionOf(digits);
  // OPA multiplies floats of 64 bits of mantissa, then cuts; see roundTo64.
  return numberOf(truncated(roundTo64(multiply(roundTo64(amount), factor))));
}

function parseUnits(raw: string): RegoValue {
  const { digits, unit } = splitUnit(raw.replaceAll('"', ""));
  const lower = unit.slice(0, 1) + unit.slice(1).toLowerCase();
  const amount = fractionOf(digits);
  if (lower === "m") return decimal({ ...multiplyBy(amount, milli) });
  const factor = multiplier(
    lower === "M" || lower !== "" ? lower[0]!.toLowerCase() + lower.slice(1) : "",
  );
  if (factor === undefined || /b/i.test(lower))
    throw new BuiltinError(`unit ${unit} not recognized`);
  return decimal(multiply(amount, factor));
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

function fractionOf(digits: string): Fraction {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(digits);
  const [, sign, whole = "", rest = "", exponent = "0"] = match ?? [];
  if (whole + rest === "") throw new BuiltinError("could not parse amount to a number");
  const power = Number(exponent) - rest.length;
  if (Math.abs(power) > 10_000) throw new Error(`has the exponent ${power}`);
  const magnitude = BigInt(whole + rest) * (sign === "-" ? -1n : 1n);
  const scale = 10n ** BigInt(Math.abs(power));
  return power < 0
    ? { numerator: magnitude, denominator: scale }
    : { numerator: magnitude * scale, denominator: 1n };
}

function multiply({ numerator, denominator }: Fraction, factor: bigint): Fraction {
  return { numerator: numerator * factor, denominator };
}

function multiplyBy(a: Fraction, b: Fraction): Fraction {
  return {
    numerator: a.numerator * b.numerator,
    denominator: a.denominator * b.denominator,
  };
}

function truncated({ numerator, denominator }: Fraction): bigint {
  return numerator / denominator;
}

/** The nearest number whose mantissa has 64 bits, ties to even: Go's big.Float of that precision. */
function roundTo64({ numerator, denominator }: Fraction): Fraction {
  if (numerator === 0n) return { numerator, denominator };
  const negative = numerator < 0n;
  const magnitude = negative ? -numerator : numerator;
  let shift = 64n - BigInt(magnitude.toString(2).length - denominator.toString(2).length);
  const scaled = (by: bigint) =>
    (by >= 0n ? magnitude << by : magnitude) / (by >= 0n ? denominator : denominator << -by);
  while (scaled(shift) >= 2n ** 64n) shift--;
  while (scaled(shift) < 2n ** 63n) shift++;
  const dividend = shift >= 0n ? magnitude << shift : magnitude;
  const divisor = shift >= 0n ? denominator : denominator << -shift;
  let mantissa = dividend / divisor;
  const twiceRest = (dividend % divisor) * 2n;
  if (twiceRest > divisor || (twiceRest === divisor && mantissa % 2n === 1n)) mantissa++;
  const signed = negative ? -mantissa : mantissa;
  return shift >= 0n
    ? { numerator: signed, denominator: 2n ** shift }
    : { numerator: signed << -shift, denominator: 1n };
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
