/** What YAML text stands for; `number` keeps 64 bits as a bigint until JSON makes a number of it. */
export type Resolved =
  | { readonly tag: "null"; readonly value: null }
  | { readonly tag: "bool"; readonly value: boolean }
  | { readonly tag: "int"; readonly value: bigint }
  | { readonly tag: "float"; readonly value: number }
  | { readonly tag: "str"; readonly value: string };

const words: ReadonlyMap<string, Resolved> = new Map<string, Resolved>([
  ...["", "~", "null", "Null", "NULL"].map((word) => entry(word, { tag: "null", value: null })),
  ...["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"].map((word) =>
    entry(word, { tag: "bool", value: true }),
  ),
  ...["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"].map((word) =>
    entry(word, { tag: "bool", value: false }),
  ),
  ...[".nan", ".NaN", ".NAN"].map((word) => entry(word, { tag: "float", value: Number.NaN })),
  ...["", "+", "-"].flatMap((sign) =>
    [".inf", ".Inf", ".INF"].map((word) =>
      entry(sign + word, { tag: "float", value: sign === "-" ? -Infinity : Infinity }),
    ),
  ),
]);

function entry(word: string, resolved: Resolved): readonly [string, Resolved] {
  return [word, resolved];
}

/**
 * What a plain scalar is for kubectl: resolve.go of go.yaml.in/yaml/v2, which sigs.k8s.io/yaml reads
 * with. That is YAML 1.1 but for base 60; dates stay text.
 */
export function resolvePlain(text: string): Resolved {
  const word = words.get(text);
  if (word !== undefined) return word;
  if (text.startsWith(".")) return goFloat(text) ?? asText(text);
  if (!/^[-+0-9]/.test(text) || isTimestamp(text)) return asText(text);
  const plain = text.replaceAll("_", "");
  return goInteger(plain) ?? yamlFloat(plain) ?? signedBinary(plain) ?? asText(text);
}

function asText(value: string): Resolved {
  return { tag: "str", value };
}

/** strconv.ParseInt and ParseUint with base 0: a leading 0 alone means octal. */
function goInteger(text: string): Resolved | undefined {
  const match = /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/.exec(text);
  if (match === null) return undefined;
  const [, sign = "", digits = ""] = match;
  const value = BigInt(digits.replace(/^0(?=[0-7])/, "0o")) * (sign === "-" ? -1n : 1n);
  const fits = value >= -(2n ** 63n) && value < (sign === "" ? 2n ** 64n : 2n ** 63n);
  return fits ? { tag: "int", value } : undefined;
}

function yamlFloat(text: string): Resolved | undefined {
  return /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(text)
    ? finite(Number(text))
    : undefined;
}

/** strconv.ParseFloat of what starts with a point. */
function goFloat(text: string): Resolved | undefined {
  return /^\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?$/.test(text)
    ? finite(Number(text.replaceAll("_", "")))
    : undefined;
}

/** ParseFloat fails past the largest number; the scalar is then text. */
function finite(value: number): Resolved | undefined {
  return Number.isFinite(value) ? { tag: "float", value } : undefined;
}

/** `0b-1`: the digits after 0b are parsed with their own sign. */
function signedBinary(text: string): Resolved | undefined {
  const match = /^0b([-+])([01]+)$/.exec(text);
  if (match === null) return undefined;
  const value = BigInt(`0b${match[2]}`) * (match[1] === "-" ? -1n : 1n);
  return value >= -(2n ** 63n) && value < 2n ** 63n ? { tag: "int", value } : undefined;
}

/** Four digits and a hyphen: a date is text, and so is 2001-13-45, which is no number either. */
function isTimestamp(text: string): boolean {
  return /^[0-9]{4}-/.test(text);
}
