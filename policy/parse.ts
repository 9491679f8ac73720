import { type Document, isMap, isScalar, LineCounter, parseAllDocuments } from "yaml";
import { lineOf } from "./line-of.ts";
import { isPolicyType, type Policy, parsePolicyObject } from "./parse-object.ts";
import type { Problem, Result } from "./problem.ts";

/** One policy of a file, good or not. */
export type ParsedPolicy = {
  readonly file: string;
  /** Where its document starts, from 1. */
  readonly line: number;
  /** As written; undefined when there is none. */
  readonly kind?: string;
  readonly name?: string;
  readonly result: Result<Policy>;
  /** Adds file and line to a problem that was found later, such as in lowering. */
  readonly locate: (problem: Problem) => Problem;
};

/** What a file holds: policies, and objects of kinds that are not ours. */
export type ParsedFile = {
  readonly policies: readonly ParsedPolicy[];
  readonly others: readonly { readonly kind: string; readonly line: number }[];
  /** Of the file itself: what is not YAML. */
  readonly broken: readonly Problem[];
  /** All of it: the file's, and every policy's. */
  readonly problems: readonly Problem[];
};

/**
 * The policies in a YAML or JSON text of one or more documents. Strict: unknown and duplicate
 * keys are problems. `file` is only used to say where a problem is. Never throws.
 */
export function parsePolicies(text: string, file: string): ParsedFile {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, merge: true });
  const policies: ParsedPolicy[] = [];
  const others: { kind: string; line: number }[] = [];
  const broken: Problem[] = [];
  for (const document of Array.isArray(parsed) ? parsed : []) {
    if (document.errors.length > 0) broken.push(...yamlProblems(document, lines, file));
    else if (!isEmpty(document)) {
      const policy = parseDocument(document, lines, file);
      if ("result" in policy) policies.push(policy);
      else others.push(policy);
    }
  }
  const problems = policies.flatMap(({ result }) => (result.ok ? [] : result.problems));
  return { policies, others, broken, problems: [...broken, ...problems] };
}

/** Nothing between two `---`, or only a comment. */
function isEmpty({ contents }: Document): boolean {
  return contents === null || (isScalar(contents) && contents.value === null);
}

function parseDocument(
  document: Document,
  lines: LineCounter,
  file: string,
): ParsedPolicy | { kind: string; line: number } {
  const start = isMap(document.contents) ? (document.contents.range?.[0] ?? 0) : 0;
  const line = lines.linePos(start).line;
  const locate = (problem: Problem): Problem => ({
    ...problem,
    file,
    line: lineOf(document, problem.field, lines) ?? line,
  });
  const raw = toPlain(document);
  if (!raw.ok) {
    return { file, line, result: { ok: false, problems: raw.problems.map(locate) }, locate };
  }
  const { apiVersion, kind, metadata } = (raw.value ?? {}) as Record<string, unknown>;
  if (typeof kind === "string" && !isPolicyType({ apiVersion, kind })) return { kind, line };
  const result = parsePolicyObject(raw.value);
  const name = (metadata as { name?: unknown } | undefined)?.name;
  return {
    file,
    line,
    ...(typeof kind === "string" ? { kind } : {}),
    ...(typeof name === "string" ? { name } : {}),
    result: result.ok ? result : { ok: false, problems: result.problems.map(locate) },
    locate,
  };
}

/** Expanding aliases is where YAML can still fail: too many of them are an attack or a mistake. */
function toPlain(document: Document): Result<unknown> {
  try {
    return { ok: true, value: document.toJS({ maxAliasCount: 100 }) };
  } catch (error) {
    const what = `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    const problem: Problem = { field: "$", what, fix: "write it without aliases", kind: "invalid" };
    return { ok: false, problems: [problem] };
  }
}

/** One slip can make the parser stumble a thousand times; the first ones tell where. */
const maxYamlProblems = 10;

function yamlProblems(document: Document, lines: LineCounter, file: string): Problem[] {
  return document.errors.slice(0, maxYamlProblems).map((error) => ({
    field: "$",
    what: `is not valid YAML: ${error.message.split("\n")[0]?.replace(/ at line.*$/, "")}`,
    fix: error.code === "DUPLICATE_KEY" ? "remove one of the two" : "correct the text there",
    kind: "invalid",
    file,
    line: lines.linePos(error.pos[0]).line,
  }));
}
