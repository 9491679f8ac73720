import type { Arbitrary } from "fast-check";
import type { Static } from "typebox";
import { canonicalTexts } from "../lower/canonical.ts";
import { maxBinaryPostfixBytes } from "../lower/limits.ts";
import { checkPath } from "../lower/path.ts";
import type { Report } from "../lower/report.ts";
import { atomicList, type Immutable, oneOf, text } from "../schema/dsl.ts";
import type { matchBinary } from "../schema/selector.ts";
import type { upstreamBinaryOperators } from "../schema/vocabulary.ts";
import type { Arbitraries } from "./kind.ts";
import { someOf } from "./values.ts";

const operators = {
  In: { form: "exact", negated: false },
  NotIn: { form: "exact", negated: true },
  Prefix: { form: "prefix", negated: false },
  NotPrefix: { form: "prefix", negated: true },
  Postfix: { form: "postfix", negated: false },
  NotPostfix: { form: "postfix", negated: true },
} as const satisfies Record<(typeof upstreamBinaryOperators)[number], object>;
export type BinaryOperator = keyof typeof operators;
export const binaryOperators = Object.keys(operators) as readonly BinaryOperator[];

/** How a path is compared: as a whole, by its beginning, by its end. */
export type BinaryForm = (typeof operators)[BinaryOperator]["form"];

/** What a condition on an executable's path says of it, in a SelectorSet. */
export const executableFields = { op: oneOf(binaryOperators), values: atomicList(text()) };

export type ComparedExecutable = {
  readonly op: BinaryOperator;
  readonly values: readonly string[];
};

/** How the operator compares a path, and whether it is met by one that is in no list. */
export function binaryOperator(op: BinaryOperator): {
  readonly form: BinaryForm;
  readonly negated: boolean;
} {
  return operators[op];
}

/** Whether a path is as the condition asks; an unknown one, undefined, is in no list. */
export function meetsExecutable(
  path: string | undefined,
  { op, values }: ComparedExecutable,
): boolean {
  const { form, negated } = operators[op];
  return values.some((value) => path !== undefined && lists[form](path, value)) !== negated;
}

const lists: Readonly<Record<BinaryForm, (path: string, value: string) => boolean>> = {
  exact: (path, value) => path === value,
  prefix: (path, value) => path.startsWith(value),
  postfix: (path, value) => path.endsWith(value),
};

export type MatchBinary = Partial<Immutable<Static<typeof matchBinary>>>;

/** One entry of matchBinaries and its like. */
export function lowerExecutable(
  report: Report,
  { operator: op = "In", values = [] }: MatchBinary,
  at: string,
): ComparedExecutable {
  if (values.length === 0) {
    report.invalid(`${at}.values`, "is empty", "list paths such as /usr/bin/curl");
  }
  const part = parts[operators[op].form];
  values.forEach((value, i) => {
    const place = `${at}.values[${i}]`;
    const bytes = Buffer.byteLength(value);
    if (part !== "end" || bytes <= maxBinaryPostfixBytes) {
      checkPath(report, value, { at: place, part });
      return;
    }
    const fix = `at most ${maxBinaryPostfixBytes}: the kernel keeps no more of the end of a path`;
    report.invalid(place, `has ${bytes} bytes`, fix);
  });
  return { op, values: canonicalTexts(values) };
}

const parts = { exact: "whole", prefix: "beginning", postfix: "end" } as const;

const samplePaths = ["/usr/bin/vi", "/usr/bin/cat", "/bin/sh"] as const;

/** Test support: a random condition's own fields. */
export function anyExecutable(fc: Arbitraries): Arbitrary<ComparedExecutable> {
  const values = [...samplePaths, "/usr/", "/usr/bin/v", "t", "in/sh", "x/x"];
  return fc.record({
    op: fc.constantFrom(...binaryOperators),
    values: someOf(fc, values).map(canonicalTexts),
  });
}

/** Test support: a path, or none that could be listed. */
export function anyPath(fc: Arbitraries): Arbitrary<string | undefined> {
  const long = [`/usr/bin/${"x".repeat(300)}`, `/usr/${"y".repeat(250)}/x/x`];
  return fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...samplePaths, ...long) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
}
