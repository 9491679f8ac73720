import { isRecord } from "./is-record.ts";
import {
  isPolicyType,
  isRegoType,
  type Policy,
  parsePolicyObject,
  parseRegoPolicy,
} from "./parse-object.ts";
import type { Problem, Result } from "./problem.ts";
import type { Source } from "./schema/conform.ts";
import type { RegoPolicy } from "./schema/rego-policy.ts";
import { type BrokenDocument, type ReadDocument, readDocuments } from "./yaml/read.ts";

/** One object of a file, good or not. */
export type Parsed<T> = {
  readonly file: string;
  /** Where its document starts, from 1. */
  readonly line: number;
  /** As written; undefined when there is none. */
  readonly kind?: string;
  readonly name?: string;
  readonly result: Result<T>;
  /** What an API server takes, and what is probably not meant. */
  readonly warnings: readonly Problem[];
  /** Adds file and line to a problem that was found later, such as in lowering. */
  readonly locate: (problem: Problem) => Problem;
};

export type ParsedPolicy = Parsed<Policy>;

/** What a file holds: policies, and objects of kinds that are not ours. */
export type ParsedFile = {
  readonly policies: readonly ParsedPolicy[];
  readonly regoPolicies: readonly Parsed<RegoPolicy>[];
  readonly others: readonly { readonly kind: string; readonly line: number }[];
  /** Of the file itself: what kubectl does not read. */
  readonly broken: readonly Problem[];
  /** All of it: the file's, and every object's. */
  readonly problems: readonly Problem[];
};

/**
 * The policies in a file of one or more documents, read as kubectl reads it (YAML 1.1 or JSON, and
 * lists of objects). Strict as an API server with field validation is: unknown fields are problems.
 * `file` is only used to say where a problem is. Never throws.
 */
export function parsePolicies(given: string | Uint8Array, file: string): ParsedFile {
  const policies: ParsedPolicy[] = [];
  const regoPolicies: Parsed<RegoPolicy>[] = [];
  const others: { kind: string; line: number }[] = [];
  const broken: Problem[] = [];
  const bytes = typeof given === "string" ? Buffer.from(given) : given;
  for (const document of readDocuments(bytes)) {
    if ("error" in document) {
      broken.push(brokenIn(document, file));
      continue;
    }
    for (const one of objectsIn(document)) {
      const nested = nestedList(one, file);
      broken.push(...nested);
      if (nested.length > 0) continue;
      const { apiVersion, kind } = isRecord(one.raw) ? one.raw : {};
      const type = { apiVersion, kind };
      if (typeof kind === "string" && isRegoType(type)) {
        regoPolicies.push(parseOne(one, file, parseRegoPolicy));
      } else if (typeof kind === "string" && !isPolicyType(type)) {
        others.push({ kind, line: one.document.lineOf(one.at) ?? document.line });
      } else policies.push(parseOne(one, file, parsePolicyObject));
    }
  }
  const all = [...policies, ...regoPolicies];
  const problems = all.flatMap(({ result }) => (result.ok ? [] : result.problems));
  return { policies, regoPolicies, others, broken, problems: [...broken, ...problems] };
}

/** The objects in a file, whatever they are, as kubectl reads them; what is wrong with it otherwise. */
export function readObjects(given: string | Uint8Array, file: string): Result<readonly unknown[]> {
  const bytes = typeof given === "string" ? Buffer.from(given) : given;
  const values: unknown[] = [];
  for (const document of readDocuments(bytes)) {
    if ("error" in document) return { ok: false, problems: [brokenIn(document, file)] };
    const objects = objectsIn(document);
    const problems = objects.flatMap((one) => nestedList(one, file));
    if (problems.length > 0) return { ok: false, problems };
    values.push(...objects.map(({ raw }) => raw));
  }
  return { ok: true, value: values };
}

function brokenIn({ error: what, fix, line }: BrokenDocument, file: string): Problem {
  return { field: "$", what, fix, kind: "invalid", file, line };
}

/** An object of a document, and its field path there: "" or `items[0]`. */
type Found = { readonly raw: unknown; readonly at: string; readonly document: ReadDocument };

/**
 * kubectl takes what has a list `items` apart, whatever its kind is; an item that does not say what it
 * is is what its list is of.
 */
function objectsIn(document: ReadDocument): readonly Found[] {
  const { value } = document;
  if (!isList(value)) return [{ raw: value, at: "", document }];
  return value.items.map((raw, i) => ({ raw: ofList(raw, value), at: `items[${i}]`, document }));
}

function isList(
  value: unknown,
): value is Readonly<Record<string, unknown>> & { items: readonly unknown[] } {
  return isRecord(value) && Array.isArray(value.items);
}

function nestedList({ raw, at, document }: Found, file: string): readonly Problem[] {
  if (at === "" || !isList(raw)) return [];
  const error = "has a list in a list, which kubectl does not take";
  const line = document.lineOf(at) ?? document.line;
  return [brokenIn({ error, fix: "write its items into the outer list", line }, file)];
}

function ofList(item: unknown, list: Readonly<Record<string, unknown>>): unknown {
  if (!isRecord(item) || isGiven(item.kind) || isGiven(item.apiVersion)) return item;
  const { apiVersion, kind } = list;
  const ofItems = isGiven(kind) ? kind.replace(/List$/, "") : "";
  return ofItems === "" ? item : { ...item, apiVersion, kind: ofItems };
}

function isGiven(text: unknown): text is string {
  return typeof text === "string" && text !== "";
}

function parseOne<T>(
  { raw, at, document }: Found,
  file: string,
  parse: (raw: unknown, source: Source) => Result<T>,
): Parsed<T> {
  const inDocument = (field: string) => [at, field].filter((part) => part !== "").join(".");
  const line = document.lineOf(at) ?? document.line;
  const locate = (problem: Problem): Problem => ({
    ...problem,
    file,
    line: document.lineOf(inDocument(problem.field)) ?? line,
  });
  const warnings: Problem[] = [];
  const warn = (field: string, what: string, fix: string) => {
    warnings.push(locate({ field, what, fix, kind: "invalid" }));
  };
  const result = parse(raw, {
    written: (field) => document.written(inDocument(field)),
    dropped: (field) => warn(field, "is empty, and is dropped", "write a value, or remove it"),
  });
  const { kind, metadata } = isRecord(raw) ? raw : {};
  const { name, namespace } = isRecord(metadata) ? metadata : {};
  if (typeof kind === "string" && !kind.endsWith("Namespaced") && (namespace ?? "") !== "") {
    const fix = "remove it, or use the Namespaced kind: this kind holds for the whole cluster";
    warn("metadata.namespace", `is ${JSON.stringify(namespace)}, and is ignored`, fix);
  }
  warnings.push(...document.warnings.map((one) => ({ ...one, file })));
  return {
    file,
    line,
    ...(typeof kind === "string" ? { kind } : {}),
    ...(typeof name === "string" ? { name } : {}),
    result: result.ok ? result : { ok: false, problems: result.problems.map(locate) },
    warnings,
    locate,
  };
}
