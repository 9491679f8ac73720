import { sorted } from "../order.ts";
import { BigNumber, RegoObject, RegoSet, type RegoValue } from "../value.ts";
import { formatFloat } from "./go-float.ts";
import { keyText } from "./json-text.ts";
import { isAmbiguous } from "./yaml-scalar.ts";

/**
 * The value as go.yaml.in/yaml/v3 writes it, which the YAML package for JavaScript does not: block
 * style, two spaces, keys in the order people expect, its own choice of quotes.
 */
export function emitYaml(value: RegoValue): string {
  return `${node(sorted(value), 0)}\n`.replace(/^ /, "");
}

/** What follows a key or a dash: a space and the rest of the line, or lines of their own. */
function node(value: RegoValue, depth: number): string {
  if (value instanceof RegoSet) return node(value.items, depth);
  if (value instanceof RegoObject)
    return value.entries.length === 0 ? " {}" : mapping(value, depth);
  if (Array.isArray(value)) return value.length === 0 ? " []" : sequence(value, depth);
  return ` ${scalar(value, depth)}`;
}

const indent = (depth: number) => "  ".repeat(depth);

function mapping(object: RegoObject, depth: number): string {
  const entries = object.entries
    .map(([key, value]): [string, RegoValue] => [keyText(key), value])
    .sort(([a], [b]) => compareKeys(a, b));
  return entries
    .map(([key, value], i) => {
      if (key.length > 128) throw new Error("a key has more than 128 characters");
      const rest = isBlock(value)
        ? `\n${indent(depth + 1)}${block(value, depth + 1)}`
        : node(value, depth);
      return `${i === 0 ? "" : indent(depth)}${text(key, depth, true)}:${rest}`;
    })
    .join("\n");
}

function sequence(items: readonly RegoValue[], depth: number): string {
  return items
    .map((item, i) => {
      const rest = isBlock(item) ? ` ${block(item, depth + 1)}` : node(item, depth);
      return `${i === 0 ? "" : indent(depth)}-${rest}`;
    })
    .join("\n");
}

function isBlock(value: RegoValue): boolean {
  if (value instanceof RegoSet) return value.items.length > 0;
  if (value instanceof RegoObject) return value.entries.length > 0;
  return Array.isArray(value) && value.length > 0;
}

function block(value: RegoValue, depth: number): string {
  return value instanceof RegoObject
    ? mapping(value, depth)
    : sequence(value instanceof RegoSet ? value.items : (value as readonly RegoValue[]), depth);
}

function scalar(value: RegoValue, depth: number): string {
  if (typeof value === "string") return text(value, depth, false);
  if (typeof value !== "number" && !(value instanceof BigNumber)) return String(value);
  const digits = value instanceof BigNumber ? value.text : String(value);
  if (/^-?\d+$/.test(digits)) {
    const whole = BigInt(digits);
    if (whole >= -(2n ** 63n) && whole < 2n ** 64n) return digits;
  }
  const number = Number(digits);
  return (number < 0 ? "-" : "") + formatFloat(Math.abs(number), "g", undefined);
}

function text(value: string, depth: number, isKey: boolean): string {
  if (value.includes("\n") && !isKey && canBeBlock(value)) return literal(value, depth);
  if (value.includes("\n") || isAmbiguous(value) || hasSpecial(value)) return doubleQuoted(value);
  return canBePlain(value) ? value : `'${value.replaceAll("'", "''")}'`;
}

/** yaml_emitter_analyze_scalar, for one line without special characters. */
function canBePlain(value: string): boolean {
  if (/^(---|\.\.\.)/.test(value) || /^ | $/.test(value)) return false;
  if (/^[#,[\]{}&*!|>'"%@`]/.test(value) || /^[?:-](?=[ \t]|$)/.test(value)) return false;
  return !/:(?=[ \t]|$)/.test(value) && !/[ \t]#/.test(value);
}

function canBeBlock(value: string): boolean {
  return !/ $| [\n\r\u0085\u2028\u2029]/.test(value) && !hasSpecial(value.replaceAll("\t", ""));
}

function hasSpecial(value: string): boolean {
  return [...value].some((character) => !isPrintable(character));
}

function isPrintable(character: string): boolean {
  const code = character.codePointAt(0)!;
  if (code === 0x0a || (code >= 0x20 && code <= 0x7e)) return true;
  return code >= 0xa0 && code < 0xfffe && code !== 0xfeff;
}

function literal(value: string, depth: number): string {
  const hint = /^[ \n]/.test(value) ? "2" : "";
  const chomp = !value.endsWith("\n") ? "-" : /^\n$|\n\n$/.test(value) ? "+" : "";
  const lines = value.replace(/\n$/, "").split("\n");
  const inside = lines.map((line) => (line === "" ? "" : indent(depth + 1) + line));
  return `|${hint}${chomp}\n${inside.join("\n")}`;
}

const escapes: Readonly<Record<string, string>> = {
  ...{ "\0": "0", "\u0007": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r" },
  ...{ "\u001b": "e", '"': '"', "\\": "\\", "\u0085": "N", "\u00a0": "_" },
  ...{ "\u2028": "L", "\u2029": "P" },
};

function doubleQuoted(value: string): string {
  const inside = [...value].map((character) => {
    const plain = isPrintable(character) && !/["\\\n\u2028\u2029]/.test(character);
    if (plain) return character;
    const short = escapes[character];
    if (short !== undefined) return `\\${short}`;
    const code = character.codePointAt(0)!;
    const hex = code.toString(16).toUpperCase();
    if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
    return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
  });
  return `"${inside.join("")}"`;
}

/** Numbers within keys count as numbers, letters come after all else: yaml/v3 sorter.go. */
function compareKeys(left: string, right: string): number {
  const [a, b] = [[...left], [...right]];
  const isDigit = (character: string | undefined) => /^\p{Nd}$/u.test(character ?? "");
  let digits = false;
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i] === b[i]) {
      digits = isDigit(a[i]);
      continue;
    }
    const [aLetter, bLetter] = [a[i], b[i]].map((one) => /^\p{L}$/u.test(one!));
    const order = a[i]!.codePointAt(0)! - b[i]!.codePointAt(0)!;
    if (aLetter && bLetter) return order;
    if (aLetter || bLetter) return (digits ? aLetter : bLetter) ? -1 : 1;
    const leading = a[i] === "0" || b[i] === "0";
    let before = i;
    while (leading && isDigit(a[before - 1])) before--;
    const inNumber = leading && a.slice(before, i).some((digit) => digit !== "0");
    const numberAt = (characters: readonly string[]) => {
      let end = i;
      while (isDigit(characters[end])) end++;
      return { end, value: BigInt((inNumber ? "1" : "0") + characters.slice(i, end).join("")) };
    };
    const [aNumber, bNumber] = [numberAt(a), numberAt(b)];
    if (aNumber.value !== bNumber.value) return aNumber.value < bNumber.value ? -1 : 1;
    return aNumber.end === bNumber.end ? order : aNumber.end - bNumber.end;
  }
  return a.length - b.length;
}
