import {
  type Document,
  isMap,
  isScalar,
  LineCounter,
  parseAllDocuments,
  Scalar,
  type YAMLParseError,
} from "yaml";
import type { Problem } from "../problem.ts";
import { decodeFile, isUnmarkedUtf16 } from "./decode.ts";
import { nodeAt, offsetOf } from "./place.ts";
import { refusedBeside } from "./refused.ts";
import { type Chunk, splitDocuments } from "./split.ts";
import { type Duplicate, jsonOfDocument, YamlError } from "./value.ts";

/** A document that kubectl reads; empty ones are left out. */
export type ReadDocument = {
  /** The JSON that kubectl sends. */
  readonly value: unknown;
  /** Where it starts, from 1. */
  readonly line: number;
  /** What kubectl takes in silence; without a file. */
  readonly warnings: readonly Problem[];
  /** Of a field path, or of the deepest part of it that is there. */
  readonly lineOf: (field: string) => number | undefined;
  /** The plain scalar there, as it is written. */
  readonly written: (field: string) => string | undefined;
};

export type BrokenDocument = {
  readonly error: string;
  readonly fix: string;
  readonly line: number;
};

/** The documents of a file, as kubectl understands them, up to one that it refuses. Never throws. */
export function readDocuments(bytes: Uint8Array): readonly (ReadDocument | BrokenDocument)[] {
  if (isUnmarkedUtf16(bytes)) {
    const error = "is UTF-16 without a byte order mark, which kubectl cannot read";
    return [{ error, fix: "save the file as UTF-8", line: 1 }];
  }
  const { text, replaced } = decodeFile(bytes);
  const documents: (ReadDocument | BrokenDocument)[] = [];
  for (const chunk of splitDocuments(text)) {
    const found = "error" in chunk ? [chunk] : readChunk(chunk);
    documents.push(...found);
    // kubectl reads no further, either.
    if (found.some((one) => "error" in one)) break;
  }
  return documents.map((document, i) => {
    if ("error" in document) return document;
    const end = documents[i + 1]?.line ?? Number.POSITIVE_INFINITY;
    const rows = replaced.filter((row) => row >= document.line && row < end);
    const told = rows.slice(0, maxErrors).map(notText);
    return { ...document, warnings: [...document.warnings, ...told] };
  });
}

function notText(line: number): Problem {
  const what = "has bytes that are not UTF-8, in whose place kubectl puts U+FFFD";
  return { field: "$", what, fix: "save the file as UTF-8", kind: "invalid", line };
}

type TextChunk = Exclude<Chunk, { readonly error: string }>;

/** Scalars stay text: what they stand for is kubectl's to say. */
const options = { schema: "failsafe", uniqueKeys: false, version: "1.1", merge: false } as const;

/** One slip can make the parser stumble a thousand times; the first ones tell where. */
const maxErrors = 10;

function readChunk(chunk: TextChunk): readonly (ReadDocument | BrokenDocument)[] {
  const lines = new LineCounter();
  // What is missing at the end is shown in the last row that has something.
  const last = chunk.text.trimEnd().length;
  const lineAt = (offset: number) => chunk.line + lines.linePos(Math.min(offset, last)).line - 1;
  // A carriage return alone ends a row, too.
  const text = chunk.json ? chunk.text : chunk.text.replaceAll("\r", "\n");
  try {
    const parsed = parseAllDocuments(text, { ...options, lineCounter: lines });
    const [document, second] = Array.isArray(parsed) ? parsed : [];
    const wrong = chunk.json ? undefined : refusedBeside(text, document);
    if (wrong !== undefined) return [{ ...wrong, line: lineAt(wrong.offset) }];
    if (document === undefined) return [];
    // JSON has keys and tabs that YAML does not take; then only places are not known.
    const errors = document.errors.filter((one) => !isTaken(one));
    const isYaml = errors.length === 0;
    if (!isYaml && !chunk.json) {
      return errors.slice(0, maxErrors).map(({ message, pos: [offset] }) => ({
        error: `is not valid YAML: ${message.split("\n")[0]?.replace(/ at line.*$/, "")}`,
        fix: "correct the text there",
        line: lineAt(offset),
      }));
    }
    const read = isYaml ? jsonOfDocument(document) : undefined;
    const value = chunk.json ? (JSON.parse(text) as unknown) : read?.value;
    if (value === null || value === undefined) return [];
    const start = isMap(document.contents) ? (document.contents.range?.[0] ?? 0) : 0;
    const more = second === undefined || chunk.json ? [] : [unread(lineAt(startOf(second)))];
    const warnings = [...more, ...(read?.duplicates ?? []).map((one) => givenTwice(one, lineAt))];
    return [{ value, line: lineAt(start), warnings, ...placesIn(document, lineAt) }];
  } catch (error) {
    if (error instanceof YamlError) {
      const line = lineAt(error.offset);
      return [{ error: error.message, fix: "correct the text there", line }];
    }
    // The parser and we call ourselves for each level.
    const what = error instanceof RangeError ? "is nested too deep" : String(error);
    return [{ error: `cannot be read: ${what}`, fix: "write it simpler", line: chunk.line }];
  }
}

/** What YAML forbids, and kubectl takes: `#` right behind a token. */
function isTaken({ code, message }: YAMLParseError): boolean {
  return code === "MISSING_CHAR" && message.startsWith("Comments must be separated");
}

function placesIn(
  document: Document,
  lineAt: (offset: number) => number,
): Pick<ReadDocument, "lineOf" | "written"> {
  return {
    lineOf: (field) => {
      const offset = offsetOf(document, field);
      return offset === undefined ? undefined : lineAt(offset);
    },
    written: (field) => {
      const node = nodeAt(document, field);
      const plain = isScalar(node) && (node.type ?? Scalar.PLAIN) === Scalar.PLAIN;
      return plain ? String(node.value) : undefined;
    },
  };
}

function startOf(document: Document): number {
  return document.range?.[0] ?? 0;
}

function unread(line: number): Problem {
  const what = "ends before the file does: kubectl reads no more of it";
  const fix = "begin the next document with --- instead of ...";
  return { field: "$", what, fix, kind: "invalid", line };
}

function givenTwice({ key, offset }: Duplicate, lineAt: (offset: number) => number): Problem {
  const what = `has the key ${JSON.stringify(key)} twice, and kubectl takes the last`;
  return { field: "$", what, fix: "remove one of the two", kind: "invalid", line: lineAt(offset) };
}
