import { BuiltinError } from "./builtin.ts";

const unitNs: Readonly<Record<string, bigint>> = {
  ...{ ns: 1n, us: 1_000n, µs: 1_000n, μs: 1_000n, ms: 1_000_000n, s: 1_000_000_000n },
  ...{ m: 60_000_000_000n, h: 3_600_000_000_000n },
};
const hours: Readonly<Record<string, number>> = { d: 24, w: 7 * 24, y: 365 * 24 };

/** Nanoseconds of `1h30m`, and of Rego's own d, w and y: topdown/time.go. Throws BuiltinError. */
export function parseDuration(text: string): bigint {
  const [, sign, body = ""] = /^([+-]?)(.*)$/s.exec(text)!;
  if (body === "0") return 0n;
  const segments = /[dwy]/.test(body) ? body.replace(/[\d.]+[dwy](?![a-z])/g, inHours) : body;
  const pattern = /(\d*)(?:\.(\d*))?([^\d.]+)/y;
  let total = 0n;
  do {
    const match = pattern.exec(segments);
    const [, whole = "", fraction = "", unit = ""] = match ?? [];
    const size = unitNs[unit];
    if (match === null || size === undefined || whole + fraction === "") fail(text);
    total += BigInt(whole || "0") * size + fractionNs(fraction, size);
    if (total > 2n ** 63n) fail(text);
  } while (pattern.lastIndex < segments.length);
  if (sign !== "-" && total > 2n ** 63n - 1n) fail(text);
  return sign === "-" ? -total : total;
}

function inHours(segment: string): string {
  const amount = segment.slice(0, -1);
  if (!/^(\d+\.?\d*|\.\d+)$/.test(amount)) fail(segment);
  const value = Number(amount) * hours[segment.at(-1)!]!;
  return `${value < 1e21 ? value : BigInt(value)}h`;
}

/** Go works this out in doubles. */
function fractionNs(digits: string, size: bigint): bigint {
  if (digits === "") return 0n;
  let fraction = 0n;
  let scale = 1;
  for (const digit of digits) {
    const longer = fraction * 10n + BigInt(digit);
    if (fraction > (2n ** 63n - 1n) / 10n || longer > 2n ** 63n) break;
    fraction = longer;
    scale *= 10;
  }
  return BigInt(Math.floor(Number(fraction) * (Number(size) / scale)));
}

function fail(text: string): never {
  throw new BuiltinError(`time: invalid duration ${JSON.stringify(text)}`);
}
