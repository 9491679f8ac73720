import type { Result } from "@guardbee/policy";
import { suggestFrom } from "@guardbee/policy/sets";
import type { RE2JS } from "re2js";
import type { Image } from "../../process/image.ts";
import type { JsonObject } from "./json-objects.ts";
import { compileRe2, regexProblem, type TextTest } from "./regex.ts";
import { Report } from "./report.ts";
import { snakeCase } from "./snake-case.ts";
import { anyRegex, eachOf, texts } from "./values.ts";

/** An image with what is secret in its arguments and its environment hidden; the same object where nothing is. */
export type Redaction = (image: Image) => Image;

/**
 * Upstream's RedactionFilter: each group of each match of an expression is replaced by `*****`.
 * Undefined when there is no filter.
 */
export function compileRedaction(objects: readonly JsonObject[]): Result<Redaction | undefined> {
  const reports = objects.map((object) => new Report(object));
  const filters = objects.map(({ value }, i) => compileOne(value, reports[i]!));
  const problems = reports.flatMap((report) => report.problems);
  if (problems.length > 0) return { ok: false, problems };
  if (filters.length === 0) return { ok: true, value: undefined };
  return { ok: true, value: (image) => redacted(image, filters) };
}

type RedactionFilter = {
  /** Over the executable's path; undefined: of every process. */
  readonly binary: TextTest | undefined;
  readonly expressions: readonly RE2JS[];
};

/** Upstream's deprecated `match` is taken and does nothing: more is hidden, not less. */
const fieldNames = ["match", "redact", "binary_regex"];

function compileOne(value: JsonObject["value"], report: Report): RedactionFilter {
  const given = new Map<string, unknown>();
  for (const [key, raw] of Object.entries(value)) {
    const name = snakeCase(key);
    if (!fieldNames.includes(name))
      report.wrong(key, "is no field of a redaction filter", suggestFrom(name, fieldNames));
    else if (raw !== null) given.set(name, raw);
  }
  const of = (field: string) => ({ raw: given.get(field) ?? [], field, report });
  const problem = (error: unknown) =>
    [
      regexProblem(error),
      "write an expression of RE2's syntax, with what is to be hidden in ( )",
    ] as const;
  const redact = of("redact");
  const expressions = eachOf(redact, texts(redact), compileExpression, problem);
  if (expressions === undefined && report.problems.length === 0)
    report.wrong("redact", "is empty, and hides nothing", "write expressions with groups");
  return { binary: anyRegex(of("binary_regex")), expressions: expressions ?? [] };
}

function compileExpression(text: string): RE2JS {
  const compiled = compileRe2(text);
  if (compiled.groupCount() === 0) throw new Error("it has no group, and hides nothing");
  return compiled;
}

function redacted(image: Image, filters: readonly RedactionFilter[]): Image {
  const expressions = filters
    .filter(({ binary }) => binary === undefined || binary(image.binary))
    .flatMap((filter) => filter.expressions);
  const hide = (text: string) => expressions.reduce(hideGroups, text);
  const words = hide(image.arguments);
  const environment = image.environment?.map((variable) => hiddenVariable(variable, hide));
  const same =
    words === image.arguments && environment?.every((one, i) => one === image.environment?.[i]);
  if (same === true || (environment === undefined && words === image.arguments)) return image;
  return { ...image, arguments: words, ...(environment === undefined ? {} : { environment }) };
}

/** Expressions see a variable as it is in the environment: `NAME=value`. */
function hiddenVariable(
  variable: readonly [name: string, value: string],
  hide: (text: string) => string,
): readonly [name: string, value: string] {
  const text = variable.join("=");
  const hidden = hide(text);
  if (hidden === text) return variable;
  const at = hidden.indexOf("=");
  return at === -1 ? [hidden, ""] : [hidden.slice(0, at), hidden.slice(at + 1)];
}

/** A group within another is hidden with it. */
function hideGroups(text: string, expression: RE2JS): string {
  const matcher = expression.matcher(text);
  let [hidden, last] = ["", 0];
  while (matcher.find()) {
    for (let group = 1; group <= matcher.groupCount(); group++) {
      const start = matcher.start(group);
      if (start < last || start === -1) continue;
      hidden += `${text.slice(last, start)}*****`;
      last = matcher.end(group);
    }
  }
  return hidden + text.slice(last);
}
