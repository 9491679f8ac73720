/** A number as it is; the denominator is above 0. */
export type Fraction = { readonly numerator: bigint; readonly denominator: bigint };

/** Beyond it a number has more digits than a policy can want, and BigInt takes its time. */
const largestExponent = 10_000;

/** A number as Rego writes it: `-1.5e3`. Throws Error for an exponent that is too large. */
export function fractionOf(text: string): Fraction {
  const [, sign, whole = "", rest = "", exponent = "0"] =
    /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const power = Number(exponent) - rest.length;
  if (Math.abs(power) > largestExponent) throw new Error(`has the exponent ${exponent}`);
  const magnitude = BigInt(whole + rest) * (sign === "-" ? -1n : 1n);
  const scale = 10n ** BigInt(Math.abs(power));
  return power < 0
    ? { numerator: magnitude, denominator: scale }
    : { numerator: magnitude * scale, denominator: 1n };
}

export function fraction(whole: bigint): Fraction {
  return { numerator: whole, denominator: 1n };
}

/** Undefined where it is no whole number. */
export function wholeOf({ numerator, denominator }: Fraction): bigint | undefined {
  return numerator % denominator === 0n ? numerator / denominator : undefined;
}

export function add(a: Fraction, b: Fraction): Fraction {
  return {
    numerator: a.numerator * b.denominator + b.numerator * a.denominator,
    denominator: a.denominator * b.denominator,
  };
}

export function negate({ numerator, denominator }: Fraction): Fraction {
  return { numerator: -numerator, denominator };
}

export function multiply(a: Fraction, b: Fraction): Fraction {
  return {
    numerator: a.numerator * b.numerator,
    denominator: a.denominator * b.denominator,
  };
}

/** Throws RangeError when `b` is 0. */
export function divide(a: Fraction, b: Fraction): Fraction {
  const sign = b.numerator < 0n ? -1n : 1n;
  if (b.numerator === 0n) throw new RangeError("division by 0");
  return {
    numerator: a.numerator * b.denominator * sign,
    denominator: a.denominator * b.numerator * sign,
  };
}

/** Toward 0. */
export function truncate({ numerator, denominator }: Fraction): bigint {
  return numerator / denominator;
}

/** The nearest number whose mantissa has so many bits, ties to even: Go's big.Float, 64 unless set. */
export function roundToBits(exact: Fraction, bits = 64): Fraction {
  const { mantissa, shift } = mantissaOf(exact, bits);
  return scaled(mantissa, -shift);
}

/** `mantissa` times 2 to the power of `-shift` is the nearest; both 0 for 0. */
function mantissaOf(
  { numerator, denominator }: Fraction,
  bits: number,
): { readonly mantissa: bigint; readonly shift: number } {
  if (numerator === 0n) return { mantissa: 0n, shift: 0 };
  const magnitude = numerator < 0n ? -numerator : numerator;
  let shift = bits - (magnitude.toString(2).length - denominator.toString(2).length);
  const parts = (by: number) => ({
    dividend: by >= 0 ? magnitude << BigInt(by) : magnitude,
    divisor: by >= 0 ? denominator : denominator << BigInt(-by),
  });
  const quotient = ({ dividend, divisor } = parts(shift)) => dividend / divisor;
  while (quotient() >= 2n ** BigInt(bits)) shift--;
  while (quotient() < 2n ** BigInt(bits - 1)) shift++;
  const { dividend, divisor } = parts(shift);
  let mantissa = dividend / divisor;
  const twiceRest = (dividend % divisor) * 2n;
  if (twiceRest > divisor || (twiceRest === divisor && mantissa % 2n === 1n)) mantissa++;
  return { mantissa: numerator < 0n ? -mantissa : mantissa, shift };
}

function scaled(mantissa: bigint, power: number): Fraction {
  return power >= 0
    ? { numerator: mantissa << BigInt(power), denominator: 1n }
    : { numerator: mantissa, denominator: 1n << BigInt(-power) };
}

/**
 * The shortest decimal that is read as this number of so many bits, as Go's big.Float writes it:
 * a whole number without an exponent, others as `%g`.
 */
export function formatBigFloat(value: Fraction, bits = 64): string {
  if (value.numerator === 0n) return "0";
  const negative = value.numerator < 0n;
  const { digits, point } = shortest(negative ? negate(value) : value, bits);
  const sign = negative ? "-" : "";
  if (wholeOf(value) !== undefined) return sign + digits.padEnd(point, "0");
  const exponent = point - 1;
  if (exponent < -4 || exponent >= 6) {
    const mantissa = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
    const power = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${mantissa}e${exponent < 0 ? "-" : "+"}${power}`;
  }
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** `0.DIGITS` times 10 to the power of `point`, of a number above 0 that has so many bits. */
function shortest(
  value: Fraction,
  bits: number,
): { readonly digits: string; readonly point: number } {
  const { mantissa, shift } = mantissaOf(value, bits);
  const halfUlp = scaled(1n, -shift - 1);
  const inclusive = mantissa % 2n === 0n;
  const point = decimalPoint(value);
  for (let length = 1; ; length++) {
    const ten = tenTo(point - length);
    const candidate = roundHalfEven(divide(value, ten));
    const distance = add(multiply(fraction(candidate), ten), negate(value));
    const beyond = add(distance.numerator < 0n ? negate(distance) : distance, negate(halfUlp));
    if (beyond.numerator > 0n || (beyond.numerator === 0n && !inclusive)) continue;
    const text = String(candidate);
    return { digits: text.replace(/0+$/, ""), point: point + text.length - length };
  }
}

/** How many digits are before the point; below 1 for what is below 0.1. */
function decimalPoint({ numerator, denominator }: Fraction): number {
  let point = String(numerator).length - String(denominator).length;
  const below = (power: number) => {
    const ten = tenTo(power);
    return numerator * ten.denominator < ten.numerator * denominator;
  };
  while (!below(point)) point++;
  while (below(point - 1)) point--;
  return point;
}

function tenTo(power: number): Fraction {
  return power >= 0
    ? { numerator: 10n ** BigInt(power), denominator: 1n }
    : { numerator: 1n, denominator: 10n ** BigInt(-power) };
}

function roundHalfEven({ numerator, denominator }: Fraction): bigint {
  const whole = numerator / denominator;
  const twiceRest = (numerator % denominator) * 2n;
  const up = twiceRest > denominator || (twiceRest === denominator && whole % 2n === 1n);
  return up ? whole + 1n : whole;
}
