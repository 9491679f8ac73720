import { sorted } from "../order.ts";
import { BigNumber, type RegoObject, RegoSet, type RegoValue } from "../value.ts";
import { type Builtin, BuiltinError } from "./builtin.ts";
import { goReplace, goText } from "./go-replace.ts";
import { arrayOf, intOf, membersOf, objectOf, stringOf } from "./operands.ts";
import { display } from "./sprintf.ts";

/** Text builtins in place of those that `opa build` compiles in: see host-functions.ts. */
export const moduleStrings: Readonly<Record<string, Builtin>> = {
  replace: (text, from, to) =>
    goText(goReplace(stringOf(text), [{ from: stringOf(from), to: stringOf(to) }])),
  "strings.replace_n": (patterns, text) => replaceN(objectOf(patterns), stringOf(text)),
  indexof: (text, part) => indexOf(stringOf(text), stringOf(part)),
  substring: (text, from, length) => substring(stringOf(text), intOf(from), intOf(length)),
  "array.slice": (array, from, to) => slice(arrayOf(array), intOf(from), intOf(to)),
  concat: (between, texts) => membersOf(sorted(texts!)).map(stringOf).join(stringOf(between)),
  "internal.template_string": (parts) => arrayOf(parts).map(templatePart).join(""),
};

function replaceN(patterns: RegoObject, text: string): string {
  const { entries } = sorted(patterns) as RegoObject;
  const pairs = entries.map(([from, to]) => ({ from: stringOf(from), to: stringOf(to) }));
  return goText(goReplace(text, pairs));
}

/** In characters; -1 where there is none. */
function indexOf(text: string, part: string): number {
  if (part === "") throw new BuiltinError("empty search character");
  const at = text.isWellFormed() ? text.indexOf(part) : -1;
  return at < 0 ? at : [...text.slice(0, at)].length;
}

/** In characters; all that follows where the length is below 0. */
function substring(text: string, from: number, length: number): string {
  if (from < 0) throw new BuiltinError("negative offset");
  const characters = [...text];
  const end = length < 0 ? characters.length : from + length;
  return characters.slice(from, end).join("");
}

function slice(array: readonly RegoValue[], from: number, to: number): readonly RegoValue[] {
  const within = (at: number) => Math.min(Math.max(at, 0), array.length);
  return array.slice(within(from), Math.max(within(from), within(to)));
}

/** The compiler puts each expression into a set, which is empty where it is undefined. */
function templatePart(part: RegoValue): string {
  if (typeof part === "string") return part;
  if (part === null || typeof part !== "object" || part instanceof BigNumber) return display(part);
  if (!(part instanceof RegoSet)) throw new Error("has a part that is no set");
  if (part.items.length > 1) throw new Error("template-strings must not produce multiple outputs");
  const [value] = part.items;
  if (value === undefined) return "<undefined>";
  return typeof value === "string" ? value : display(sorted(value));
}
