import { formatFloat } from "./go-float.ts";
import { quote, quoteRune } from "./go-quote.ts";

/** What Go's fmt tells apart of what Rego hands it: int64, *big.Int, float64, string. */
export type GoValue =
  | { readonly type: "int64" | "*big.Int"; readonly value: bigint }
  | { readonly type: "float64"; readonly value: number }
  | { readonly type: "string"; readonly value: string };

/** One directive's flags, width and precision. */
type Directive = {
  sharp: boolean;
  zero: boolean;
  plus: boolean;
  minus: boolean;
  space: boolean;
  width: number | undefined;
  precision: number | undefined;
};

/** What is written, and which argument is next. */
type State = {
  readonly args: readonly GoValue[];
  text: string;
  next: number;
  /** Some directive named its argument: then none is too many. */
  reordered: boolean;
};

/** What Go's fmt.Sprintf gives, its complaints about wrong formats among it. */
export function goSprintf(format: string, args: readonly GoValue[]): string {
  const directive =
    /%([#0+\- ]*)(?:\[([^\]]*)\])?(\*|\d+)?(?:\.(?:\[([^\]]*)\])?(\*|\d*))?(?:\[([^\]]*)\])?(.)?/suy;
  const state: State = { args, text: "", next: 0, reordered: false };
  let at = 0;
  while (at < format.length) {
    const percent = format.indexOf("%", at);
    if (percent < 0) {
      state.text += format.slice(at);
      break;
    }
    state.text += format.slice(at, percent);
    directive.lastIndex = percent;
    const match = directive.exec(format)!;
    at = directive.lastIndex;
    if (!writeDirective(state, match)) break;
  }
  if (!state.reordered && state.next < args.length) {
    const rest = args.slice(state.next);
    const plain = rest.map((arg) => `${arg.type}=${formatOne(arg, "v", noFlags())}`);
    state.text += `%!(EXTRA ${plain.join(", ")})`;
  }
  return state.text;
}

/** Whether the format goes on after it. */
function writeDirective(state: State, match: RegExpExecArray): boolean {
  const { args } = state;
  const [, , , width, , precision, , verb] = match;
  const { to, good } = readDirective(state, match);
  const tooLarge = Number(width) > 1e6 || Number(precision) > 1e6;
  if (verb === undefined || tooLarge) {
    state.text += "%!(NOVERB)";
    return false;
  }
  if (verb === "%") state.text += "%";
  else if (!good) state.text += `%!${verb}(BADINDEX)`;
  else if (state.next >= args.length) state.text += `%!${verb}(MISSING)`;
  else state.text += formatOne(args[state.next++]!, verb, to);
  return true;
}

/** The directive up to its verb; `good`: each argument that it names is there, and where it may be named. */
function readDirective(
  state: State,
  [, flags = "", index, width, precisionIndex, precision, lastIndex]: RegExpExecArray,
): { readonly to: Directive; readonly good: boolean } {
  const to: Directive = {
    sharp: flags.includes("#"),
    zero: flags.includes("0"),
    plus: flags.includes("+"),
    minus: flags.includes("-"),
    space: flags.includes(" "),
    width: undefined,
    precision: undefined,
  };
  let good = jump(state, index);
  if (width === "*") {
    to.width = fromArgument(state, "%!(BADWIDTH)");
    if (to.width !== undefined && to.width < 0) {
      to.width = -to.width;
      to.minus = true;
      to.zero = false;
    }
  } else if (width !== undefined) {
    to.width = Number(width);
    if (index !== undefined) good = false;
  }
  if (precision !== undefined) {
    if (index !== undefined && width !== "*") good = false;
    if (!jump(state, precisionIndex)) good = false;
    if (precision === "*") {
      const value = fromArgument(state, "%!(BADPREC)");
      to.precision = value !== undefined && value >= 0 ? value : undefined;
    } else {
      to.precision = Number(precision);
      if (precisionIndex !== undefined && precision !== "") good = false;
    }
  }
  if (!jump(state, lastIndex)) good = false;
  return { to, good };
}

/** Goes to the argument that a directive names, if it does; false: there is none such. */
function jump(state: State, position: string | undefined): boolean {
  if (position === undefined) return true;
  state.reordered = true;
  const number = /^\d+$/.test(position) ? Number(position) : 0;
  if (number < 1 || number > state.args.length) return false;
  state.next = number - 1;
  return true;
}

/** A width or precision that is the next argument; undefined: it is none, which is written. */
function fromArgument(state: State, complaint: string): number | undefined {
  const argument = state.args[state.next];
  if (argument !== undefined) state.next++;
  const value = argument?.type === "int64" ? Number(argument.value) : undefined;
  if (value !== undefined && Math.abs(value) <= 1e6) return value;
  state.text += complaint;
  return undefined;
}

function noFlags(): Directive {
  return {
    ...{ sharp: false, zero: false, plus: false, minus: false, space: false },
    width: undefined,
    precision: undefined,
  };
}

function formatOne(arg: GoValue, verb: string, to: Directive): string {
  if (verb === "T") return pad(truncate(arg.type, to), to);
  switch (arg.type) {
    case "string":
      return formatString(arg.value, verb, to);
    case "float64":
      return formatNumber(arg.value, verb, to);
    case "int64":
      return formatInteger(arg.value, verb, to);
    default:
      return formatBig(arg.value, verb, to);
  }
}

function badVerb(arg: GoValue, verb: string, to: Directive): string {
  return `%!${verb}(${arg.type}=${formatOne(arg, "v", to)})`;
}

function formatString(value: string, verb: string, to: Directive): string {
  switch (verb) {
    case "v":
      if (to.sharp) return formatString(value, "q", { ...to, sharp: false });
      return pad(truncate(value, to), to);
    case "s":
      return pad(truncate(value, to), to);
    case "q": {
      const cut = truncate(value, to);
      const backquoted = to.sharp && !/[\p{Cc}`\uFEFF]/u.test(cut.replaceAll("\t", ""));
      return pad(backquoted ? `\`${cut}\`` : quote(cut, to.plus), to);
    }
    case "x":
    case "X":
      return formatHex(value, verb, to);
    default:
      return badVerb({ type: "string", value }, verb, to);
  }
}

function formatHex(value: string, verb: string, to: Directive): string {
  const bytes = Buffer.from(value).subarray(0, to.precision);
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));
  const prefix = to.sharp && digits.length > 0 ? "0x" : "";
  const text = to.space ? digits.map((two) => prefix + two).join(" ") : prefix + digits.join("");
  return pad(verb === "X" ? text.toUpperCase() : text, to);
}

const bases: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };

function formatInteger(value: bigint, verb: string, to: Directive): string {
  const base = bases[verb];
  if (base === undefined) return formatAsRune(value, verb, to);
  if (to.precision === 0 && value === 0n) return pad("", { ...to, zero: false });
  const plus = to.plus && verb !== "v"; // %+v is for the fields of structs
  const sign = value < 0n ? "-" : plus ? "+" : to.space ? " " : "";
  const zeroPadded = to.zero && !to.minus && to.width !== undefined;
  const least = to.precision ?? (zeroPadded ? to.width! - sign.length : 0);
  const digits = digitsOf(value, base, verb).padStart(least, "0");
  let prefix = verb === "O" ? "0o" : "";
  // Go's %#v of a signed number is plain.
  if (to.sharp && verb !== "v") prefix += prefixOf(base, digits, verb);
  return pad(sign + prefix + digits, { ...to, zero: false });
}

function prefixOf(base: number, digits: string, verb: string): string {
  if (base === 2) return "0b";
  if (base === 8) return digits.startsWith("0") ? "" : "0";
  return base === 16 ? `0${verb}` : "";
}

function digitsOf(value: bigint, base: number, verb: string): string {
  const digits = (value < 0n ? -value : value).toString(base);
  return verb === "X" ? digits.toUpperCase() : digits;
}

function formatAsRune(value: bigint, verb: string, to: Directive): string {
  const known = value >= 0n && value <= 0x10ffffn && (value < 0xd800n || value > 0xdfffn);
  const rune = String.fromCodePoint(known ? Number(value) : 0xfffd);
  switch (verb) {
    case "c":
      return pad(rune, to);
    case "q":
      return pad(quoteRune(rune, to.plus), to);
    case "U": {
      const unsigned = BigInt.asUintN(64, value);
      const code = unsigned.toString(16).toUpperCase();
      const shown = to.sharp && known && /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(rune);
      const digits = code.padStart(Math.max(to.precision ?? 4, 4), "0");
      return pad(`U+${digits}${shown ? ` '${rune}'` : ""}`, { ...to, zero: false });
    }
    default:
      return badVerb({ type: "int64", value }, verb, to);
  }
}

/** math/big formats itself, and differs: %s is known, a zero's width with precision 0 is not kept. */
function formatBig(value: bigint, verb: string, to: Directive): string {
  const base = verb === "s" ? 10 : bases[verb];
  if (base === undefined) return `%!${verb}(big.Int=${value})`;
  const sign = value < 0n ? "-" : to.plus && verb !== "v" ? "+" : to.space ? " " : "";
  const sharp = to.sharp && verb !== "v" && base !== 10;
  const marks = { 2: "0b", 8: "0", 16: `0${verb}` } as Readonly<Record<number, string>>;
  const prefix = verb === "O" ? "0o" : sharp ? marks[base]! : "";
  const digits = digitsOf(value, base, verb).padStart(to.precision ?? 0, "0");
  const missing = (to.width ?? 0) - sign.length - prefix.length - digits.length;
  if (missing <= 0) return sign + prefix + digits;
  if (to.minus) return sign + prefix + digits + " ".repeat(missing);
  if (to.zero && to.precision === undefined) return sign + prefix + "0".repeat(missing) + digits;
  return " ".repeat(missing) + sign + prefix + digits;
}

function formatNumber(value: number, verb: string, to: Directive): string {
  const shape = { v: "g", g: "g", G: "g", e: "e", E: "e", f: "f", F: "f" }[verb];
  if (shape === undefined) {
    if (verb === "b" || verb === "x" || verb === "X") throw new Error(`%${verb} of a fraction`);
    return badVerb({ type: "float64", value }, verb, to);
  }
  if (to.sharp) throw new Error(`%#${verb} of a fraction`);
  const precision = to.precision ?? (shape === "g" ? undefined : 6);
  const digits = formatFloat(Math.abs(value), shape as "e" | "f" | "g", precision);
  const negative = value < 0 || Object.is(value, -0);
  const plus = to.plus && verb !== "v";
  const sign = negative ? "-" : plus ? "+" : to.space ? " " : "";
  const unsigned = verb === "E" || verb === "G" ? digits.toUpperCase() : digits;
  const zeroPadded = to.zero && !to.minus && to.width !== undefined;
  return zeroPadded
    ? sign + unsigned.padStart(to.width! - sign.length, "0")
    : pad(sign + unsigned, to);
}

function truncate(text: string, to: Directive): string {
  return to.precision === undefined ? text : [...text].slice(0, to.precision).join("");
}

function pad(text: string, to: Directive): string {
  const missing = (to.width ?? 0) - [...text].length;
  if (missing <= 0) return text;
  if (to.minus) return text + " ".repeat(missing);
  return (to.zero ? "0" : " ").repeat(missing) + text;
}
