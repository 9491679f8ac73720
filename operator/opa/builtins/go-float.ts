/** `value` as Go's strconv.FormatFloat writes it; `precision` undefined: as short as exact. */
export function formatFloat(
  value: number,
  verb: "e" | "f" | "g",
  precision: number | undefined,
): string {
  if (verb === "e") return goExponent(exponential(value, precision));
  if (verb === "f") return precision === undefined ? shortFixed(value) : fixed(value, precision);
  const digits = precision === 0 ? 1 : precision;
  const scientific = exponential(value, digits === undefined ? undefined : digits - 1);
  const [mantissa = "", exponent = "0"] = scientific.split("e");
  const significant = mantissa.replace(/[-.]/g, "").replace(/0+$/, "").length || 1;
  const limit = digits === undefined ? 6 : Math.max(digits, 1);
  const power = Number(exponent);
  if (power < -4 || power >= limit) return goExponent(`${trimZeros(mantissa)}e${exponent}`);
  return fixed(Number(scientific), Math.max(0, significant - 1 - power));
}

/** Go's exponents have two digits at least. */
function goExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

function trimZeros(decimal: string): string {
  return decimal.includes(".") ? decimal.replace(/\.?0+$/, "") : decimal;
}

function shortFixed(value: number): string {
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  const digits = mantissa.replace(/[-.]/g, "").length;
  return fixed(value, Math.max(0, digits - 1 - Number(exponent)));
}

/** toFixed turns to exponents from 1e21 on, and knows 100 places. */
function fixed(value: number, places: number): string {
  const kept = Math.min(places, 100);
  const text =
    Math.abs(value) < 1e21
      ? halfEven(value.toFixed(kept), value.toFixed(100), kept)
      : BigInt(value).toString() + (kept > 0 ? `.${"0".repeat(kept)}` : "");
  return text + "0".repeat(places - kept);
}

function exponential(value: number, places: number | undefined): string {
  if (places === undefined) return value.toExponential();
  const [mantissa, exponent] = value.toExponential(Math.min(places, 100)).split("e") as [
    string,
    string,
  ];
  const [exact] = value.toExponential(100).split("e") as [string];
  const even = exponent === value.toExponential(100).split("e")[1];
  return `${even ? halfEven(mantissa, exact, places) : mantissa}e${exponent}`;
}

/** JavaScript rounds a half up, Go to even. `exact` is the whole of a double, below 100 places. */
function halfEven(rounded: string, exact: string, places: number): string {
  const point = exact.indexOf(".");
  const cut = exact.slice(0, places === 0 ? point : point + 1 + places);
  const isHalf = /^50*$/.test(exact.slice(point + 1 + places));
  return isHalf && Number(cut.at(-1)) % 2 === 0 ? cut : rounded;
}
