import type { RE2JS } from "re2js";
import type { RegoValue } from "../value.ts";
import { type Builtin, BuiltinError } from "./builtin.ts";
import { intOf, stringOf } from "./operands.ts";
import { re2 } from "./re2.ts";

export const regex: Readonly<Record<string, Builtin>> = {
  "regex.find_n": (pattern, text, n) => findN(stringOf(pattern), stringOf(text), intOf(n)),
  "regex.replace": (text, pattern, by) => replace(stringOf(text), stringOf(pattern), stringOf(by)),
  "regex.split": (pattern, text) => split(stringOf(pattern), stringOf(text)),
  "regex.template_match": (template, text, start, end) =>
    compilePattern(templatePattern(stringOf(template), stringOf(start), stringOf(end)))
      .matcher(stringOf(text))
      .find(),
};

/** As many compiled patterns are kept as OPA keeps. */
const kept = 100;
const compiled = new Map<string, RE2JS>();

/** The pattern, kept for the next time; BuiltinError when it is none. */
export function compilePattern(pattern: string): RE2JS {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  let program: RE2JS;
  try {
    program = re2().compile(pattern);
  } catch (cause) {
    throw new BuiltinError(`pattern ${pattern}: ${(cause as Error).message}`);
  }
  if (compiled.size >= kept) compiled.delete(compiled.keys().next().value!);
  compiled.set(pattern, program);
  return program;
}

type Match = { readonly start: number; readonly end: number; group(name: number | string): string };

/** As Go finds them: an empty match is none right after another match. */
function matchesOf(pattern: string, text: string, most: number): readonly Match[] {
  const matcher = compilePattern(pattern).matcher(text);
  const groups = matcher.groupCount();
  const named = compilePattern(pattern).namedGroups() as Readonly<Record<string, number>>;
  const found: Match[] = [];
  let last = -1;
  while ((most < 0 || found.length < most) && matcher.find()) {
    const [start, end] = [matcher.start(), matcher.end()];
    if (start === end && start === last) continue;
    last = end;
    const values = Array.from({ length: groups + 1 }, (_, i) => matcher.group(i) ?? "");
    found.push({
      start,
      end,
      group: (name) => values[typeof name === "number" ? name : (named[name] ?? -1)] ?? "",
    });
  }
  return found;
}

function findN(pattern: string, text: string, n: number): RegoValue {
  return matchesOf(pattern, text, n).map((match) => match.group(0));
}

function replace(text: string, pattern: string, by: string): string {
  let result = "";
  let at = 0;
  for (const match of matchesOf(pattern, text, -1)) {
    result += text.slice(at, match.start) + expand(by, match);
    at = match.end;
  }
  return result + text.slice(at);
}

/** Go's Expand: `$1`, `$name` as long as it goes, `${name}`, `$$`. */
function expand(template: string, match: Match): string {
  return template.replace(
    /\$(?:(\$)|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu,
    (_, dollar: string | undefined, braced: string | undefined, bare: string | undefined) => {
      if (dollar !== undefined) return "$";
      const name = braced ?? bare!;
      return match.group(/^(?:0|[1-9]\d*)$/.test(name) ? Number(name) : name);
    },
  );
}

/** Go's Split: no empty part before a match at the start that is itself empty. */
function split(pattern: string, text: string): RegoValue {
  if (pattern.length > 0 && text.length === 0) return [""];
  const parts: string[] = [];
  let [begin, end] = [0, 0];
  for (const match of matchesOf(pattern, text, -1)) {
    end = match.start;
    if (match.end !== 0) parts.push(text.slice(begin, end));
    begin = match.end;
  }
  if (end !== text.length) parts.push(text.slice(begin));
  return parts;
}

/** What is between the delimiters is a pattern, the rest is itself: topdown/regex_template.go. */
function templatePattern(template: string, start: string, end: string): string {
  for (const delimiter of [start, end]) {
    if (Buffer.byteLength(delimiter) !== 1) throw new BuiltinError("delimiter is not one byte");
  }
  let level = 0;
  let [from, literal] = [0, 0];
  let pattern = "^";
  for (let i = 0; i < template.length; i++) {
    if (template[i] === start) {
      level++;
      if (level === 1) from = i;
    } else if (template[i] === end) {
      level--;
      if (level < 0) break;
      if (level > 0) continue;
      const part = template.slice(from + 1, i);
      compilePattern(`^${part}$`);
      pattern += `${re2().quote(template.slice(literal, from))}(${part})`;
      literal = i + 1;
    }
  }
  if (level !== 0) throw new BuiltinError("unbalanced braces");
  return `${pattern}${re2().quote(template.slice(literal))}$`;
}
