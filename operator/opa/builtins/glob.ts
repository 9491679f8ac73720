import type { RegoValue } from "../value.ts";
import { type Builtin, BuiltinError } from "./builtin.ts";
import { arrayOf, stringOf } from "./operands.ts";
import { re2 } from "./re2.ts";
import { compilePattern } from "./regex.ts";

export const glob: Readonly<Record<string, Builtin>> = {
  "glob.match": (pattern, delimiters, text) => matches(pattern, delimiters, stringOf(text)),
  "glob.quote_meta": (pattern) => stringOf(pattern).replace(/[\\*?[\]{}]/g, "\\$&"),
};

function matches(
  pattern: RegoValue | undefined,
  delimiters: RegoValue | undefined,
  text: string,
): boolean {
  const separators = delimiters === null ? [] : arrayOf(delimiters).map(characterOf);
  const those = separators.length === 0 && delimiters !== null ? ["."] : separators;
  return compilePattern(globPattern(stringOf(pattern), those)).matches(text);
}

function characterOf(value: RegoValue): string {
  const text = stringOf(value);
  if ([...text].length !== 1) throw new BuiltinError("delimiter is not one character");
  return text;
}

/** The glob as a regular expression, as github.com/gobwas/glob 1.0 reads it. */
function globPattern(glob: string, separators: readonly string[]): string {
  const characters = [...glob];
  const one = separators.length === 0 ? "(?s:.)" : `[^${separators.map(escaped).join("")}]`;
  let pattern = "";
  let depth = 0;
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at]!;
    if (character === "\\") {
      const next = characters[++at];
      if (next === undefined) throw new BuiltinError("trailing backslash");
      pattern += re2().quote(next);
    } else if (character === "*") {
      const isSuper = characters[at + 1] === "*";
      if (isSuper) at++;
      pattern += isSuper ? "(?s:.*)" : `${one}*`;
    } else if (character === "?") {
      pattern += one;
    } else if (character === "{") {
      depth++;
      pattern += "(?:";
    } else if (character === "}" && depth > 0) {
      depth--;
      pattern += ")";
    } else if (character === "," && depth > 0) {
      pattern += "|";
    } else if (character === "[") {
      const found = classAt(characters, at + 1);
      pattern += found.pattern;
      at = found.end;
    } else {
      pattern += re2().quote(character);
    }
  }
  if (depth > 0) throw new BuiltinError("unclosed {");
  return pattern;
}

type Class = { readonly pattern: string /** Of its `]`. */; readonly end: number };

/** A range (`a-c`) or a set (`abc`), either negated by `!`; `from` is behind the `[`. */
function classAt(characters: readonly string[], from: number): Class {
  const negated = characters[from] === "!";
  const not = negated ? "^" : "";
  const start = negated ? from + 1 : from;
  const [low, dash, high, close] = characters.slice(start, start + 4);
  if (dash === "-") {
    const isRange = high !== undefined && close === "]";
    if (!isRange || high.codePointAt(0)! < low!.codePointAt(0)!) {
      throw new BuiltinError("no range");
    }
    return { pattern: `[${not}${escaped(low!)}-${escaped(high)}]`, end: start + 3 };
  }
  const members: string[] = [];
  for (let at = start; at < characters.length; at++) {
    const character = characters[at]!;
    if (character === "]") {
      if (members.length === 0) break;
      return { pattern: `[${not}${members.map(escaped).join("")}]`, end: at };
    }
    const member = character === "\\" ? characters[++at] : character;
    if (member !== undefined) members.push(member);
  }
  throw new BuiltinError("no class");
}

function escaped(character: string): string {
  return `\\x{${character.codePointAt(0)!.toString(16)}}`;
}
