import type { Problem, Result } from "@guardbee/policy";
import { isRecord } from "@guardbee/policy/sets";

/** A JSON object as somebody gave it, and where: what problems with it point at. */
export type JsonObject = {
  readonly value: Readonly<Record<string, unknown>>;
  /** The flag or the request that it came in. */
  readonly source: string;
  /** Of the text that it stood in; counts from 1. Absent: it came in no text. */
  readonly line?: number;
  /** Its index in a list; empty in a text. */
  readonly at: string;
};

/**
 * The JSON objects in the text of a flag: any number of them, with white space between, as upstream's
 * filters are written; or everything that is wrong with it.
 */
export function readJsonObjects(source: string, text: string): Result<readonly JsonObject[]> {
  const objects: JsonObject[] = [];
  const problems: Problem[] = [];
  const wrong = (at: number, what: string, fix: string) =>
    problems.push({
      file: source,
      line: lineAt(text, at),
      field: "filter",
      what,
      fix,
      kind: "invalid",
    });
  for (let at = afterSpace(text, 0); at < text.length; at = afterSpace(text, at)) {
    if (text[at] !== "{") {
      wrong(at, `has ${JSON.stringify(text[at])} where an object begins`, oneAfterAnother);
      break;
    }
    const end = endOfObject(text, at);
    if (end === undefined) {
      wrong(at, "has an object that does not end", "close its braces and quotation marks");
      break;
    }
    const part = text.slice(at, end.end);
    try {
      const value: unknown = JSON.parse(part);
      if (end.twice !== undefined) {
        wrong(end.twice.at, `has ${end.twice.key} twice`, "give all its values in one list");
      } else if (isRecord(value)) {
        objects.push({ value, source, line: lineAt(text, at), at: "" });
      }
    } catch (error) {
      const [, offset = "0"] = (error as Error).message.match(/position (\d+)/) ?? [];
      wrong(at + Number(offset), `is no JSON: ${(error as Error).message}`, oneAfterAnother);
    }
    at = end.end;
  }
  return problems.length === 0 ? { ok: true, value: objects } : { ok: false, problems };
}

/** The objects of a list in a request. */
export function listedObjects(
  source: string,
  list: readonly Readonly<Record<string, unknown>>[],
): readonly JsonObject[] {
  return list.map((value, i) => ({ value, source, at: `[${i}]` }));
}

type ObjectEnd = {
  /** Behind its last brace. */
  readonly end: number;
  /** A key of its own that it has had before. */
  readonly twice: { readonly key: string; readonly at: number } | undefined;
};

/** Undefined when it does not end. JSON.parse takes the last of two equal keys, and says nothing. */
function endOfObject(text: string, start: number): ObjectEnd | undefined {
  let depth = 0;
  const keys = new Set<string>();
  let twice: ObjectEnd["twice"];
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") depth--;
    else if (char === '"') {
      const end = endOfString(text, at);
      if (end === undefined) return undefined;
      const isKey = depth === 1 && text[afterSpace(text, end)] === ":";
      const key = text.slice(at, end);
      if (isKey && keys.has(key)) twice ??= { key, at };
      if (isKey) keys.add(key);
      at = end - 1;
    }
    if (depth === 0) return { end: at + 1, twice };
  }
  return undefined;
}

function endOfString(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at + 1;
  }
  return undefined;
}

function afterSpace(text: string, at: number): number {
  let next = at;
  while (next < text.length && /\s/.test(text[next]!)) next++;
  return next;
}

function lineAt(text: string, at: number): number {
  return text.slice(0, at).split("\n").length;
}

const oneAfterAnother = 'write objects one after another: {"namespace":["default"]} {"pid":[1]}';
