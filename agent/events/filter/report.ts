import type { Problem } from "@guardbee/policy";
import { formatProblem } from "@guardbee/policy/sets";
import type { JsonObject } from "./json-objects.ts";

/** Collects what is wrong with one JSON object. */
export class Report {
  readonly problems: Problem[] = [];
  readonly #object: JsonObject;

  constructor(object: JsonObject) {
    this.#object = object;
  }

  /** Takes a problem of the value at `field` of the object. */
  wrong(field: string, what: string, fix: string): undefined {
    const { source: file, line, at } = this.#object;
    const place = line === undefined ? { field: `${file}${at}.${field}` } : { file, line, field };
    this.problems.push({ ...place, what, fix, kind: "invalid" });
    return undefined;
  }
}

/** All problems for a person, a line each. */
export function formatProblems(problems: readonly Problem[]): string {
  return problems.map(formatProblem).join("\n");
}
