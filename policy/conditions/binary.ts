import type { Arbitrary } from "fast-check";
import type { Static } from "typebox";
import { canonicalTexts } from "../lower/canonical.ts";
import { checkPath } from "../lower/path.ts";
import type { Report } from "../lower/report.ts";
import { atomicList, type Immutable, literal, object, oneOf, text } from "../schema/dsl.ts";
import type { matchBinary } from "../schema/selector.ts";
import type { Arbitraries, ConditionKind, ConditionPlace, Words } from "./kind.ts";
import { someOf } from "./values.ts";

const operators = {
  In: { whole: true, negated: false },
  NotIn: { whole: true, negated: true },
  Prefix: { whole: false, negated: false },
  NotPrefix: { whole: false, negated: true },
} as const;
type Operator = keyof typeof operators;
export const binaryOperators = Object.keys(operators) as readonly Operator[];

/** The executable's path (not argv[0]), in the mount namespace of the process. */
const schema = object({
  by: literal("binary"),
  op: oneOf(binaryOperators),
  values: atomicList(text()),
});

export type BinaryCondition = Immutable<Static<typeof schema>>;

export type BinaryFacts = {
  /** The executable's path; undefined: it has none that could be listed (it is in memory only). */
  readonly binary?: string;
  /** It runs a program of the host, in a pod: the container runtime's, until it runs the container's. */
  readonly startsContainer?: true;
};

/** Which executable the process that makes the call runs. */
export const binary = {
  schema,
  section: "matchBinaries",
  lower,
  holds: ({ op, values }, { process }) => {
    const { binary = "", startsContainer } = process;
    if (startsContainer) return false; // what it runs is none of the container's programs
    const { whole, negated } = operators[op];
    const isListed = (value: string) => (whole ? binary === value : binary.startsWith(value));
    return values.some(isListed) !== negated;
  },
  describe: ({ op, values }, { list }: Words) => `binary ${op} ${list(values)}`,
  any: (fc) => [anyBinary(fc)],
  anyProcess,
} satisfies ConditionKind<BinaryCondition, BinaryFacts>;

type MatchBinary = Partial<Immutable<Static<typeof matchBinary>>>;

function lower(
  report: Report,
  match: MatchBinary,
  { at }: Pick<ConditionPlace, "at">,
): BinaryCondition | undefined {
  const { operator = "In", values = [], followChildren } = match;
  if (followChildren === true) {
    const fix = "remove it, or list the children's binaries too";
    report.unsupported(`${at}.followChildren`, "true is not supported yet", fix);
  }
  if (values.length === 0) {
    report.invalid(`${at}.values`, "is empty", "list paths such as /usr/bin/curl");
  }
  const op = binaryOperators.find((name) => name === operator);
  const whole = op !== undefined && operators[op].whole;
  values.forEach((value, i) => {
    checkPath(report, value, {
      at: `${at}.values[${i}]`,
      part: whole ? "whole" : "beginning",
    });
  });
  if (op !== undefined) return { by: "binary", op, values: canonicalTexts(values) };
  const fix = `this version takes ${binaryOperators.join(", ")}`;
  report.unsupported(`${at}.operator`, `${operator} is not supported yet`, fix);
  return undefined;
}

const sampleBinaries = ["/usr/bin/vi", "/usr/bin/cat", "/bin/sh"] as const;

function anyBinary(fc: Arbitraries) {
  return fc.record({
    by: fc.constant("binary" as const),
    op: fc.constantFrom(...binaryOperators),
    values: someOf(fc, [...sampleBinaries, "/usr/", "/usr/bin/v"]).map(canonicalTexts),
  });
}

function anyProcess(fc: Arbitraries): Arbitrary<BinaryFacts> {
  const paths = [...sampleBinaries, `/usr/bin/${"x".repeat(300)}`];
  const anyPath = fc.oneof(
    { weight: 5, arbitrary: fc.record({ binary: fc.constantFrom(...paths) }) },
    { weight: 1, arbitrary: fc.constant({}) },
  );
  return fc
    .tuple(anyPath, fc.constantFrom(true as const, ...Array<undefined>(5).fill(undefined)))
    .map(([path, startsContainer]) => (startsContainer ? { ...path, startsContainer } : path));
}
