import type { Arbitrary } from "fast-check";
import type { Static } from "typebox";
import { canonicalNumbers } from "../lower/canonical.ts";
import type { Report } from "../lower/report.ts";
import { atomicList, bool, type Immutable, int32, literal, object, oneOf } from "../schema/dsl.ts";
import type { matchPid } from "../schema/selector.ts";
import { memberships } from "../schema/vocabulary.ts";
import type { Arbitraries, ConditionKind, ConditionPlace, Words } from "./kind.ts";
import { someOf } from "./values.ts";

const schema = object({
  by: literal("pid"),
  op: oneOf(memberships),
  values: atomicList(int32({ minimum: 0 })),
  /**
   * Compare the pid in the container's own pid namespace, whatever namespaces the process has made
   * below it; 0 for a process in the host's. Otherwise the host's pid.
   */
  inNamespace: bool(),
  /**
   * Also true for descendants (up to 10 generations) of the listed pids; with inNamespace of those
   * that live in the container.
   */
  followForks: bool(),
});

export type PidCondition = Immutable<Static<typeof schema>>;

export type PidFacts = {
  /** Of the thread group, in the host's pid namespace. */
  readonly pid: number;
  /** Its parent first. */
  readonly ancestors: readonly number[];
  /** In the container's pid namespace; 0: it lives in the host's. */
  readonly nspid: number;
  /** Pids in that namespace of its ancestors, its parent first, as far as they live in it. */
  readonly nsAncestors: readonly number[];
};

/** Which process makes the call, or which processes it descends from. */
export const pid = {
  schema,
  section: "matchPIDs",
  lower,
  holds: ({ op, values, inNamespace, followForks }, { process }) => {
    const [own, ancestors] = inNamespace
      ? [process.nspid, process.nsAncestors]
      : [process.pid, process.ancestors];
    const pids = [own, ...(followForks ? ancestors.slice(0, maxGenerations) : [])];
    return pids.some((one) => values.includes(one)) === (op === "In");
  },
  whyUntold({ values, inNamespace, followForks }, { lineage, inInitTree }, { process }) {
    if (!followForks || lineage === "whole") return undefined;
    const known = inNamespace
      ? [process.nspid, ...process.nsAncestors]
      : [process.pid, ...process.ancestors];
    if (known.slice(0, maxGenerations + 1).some((one) => values.includes(one))) return undefined;
    // Who descends from no pid 1 of a container has none among those that are not told.
    if (inNamespace && !inInitTree && values.every((value) => value <= 1)) return undefined;
    return "it asks for all ancestors (--enable-ancestors)";
  },
  excludesHost: ({ op, values, inNamespace }) =>
    op === "NotIn" && inNamespace && values.includes(0),
  describe: ({ op, values }, { list }: Words) => `pid ${op} ${list(values)}`,
  any: (fc) => [anyPid(fc)],
  // It takes one list of processes and their children in a selector, in each namespace.
  clash: (one, other) => isTree(one) && isTree(other) && one.inNamespace === other.inNamespace,
  anyProcess,
} satisfies ConditionKind<PidCondition, PidFacts>;

/** Generations above the process that followForks looks at. */
const maxGenerations = 10;

/** PID_MAX_LIMIT. */
const maxPid = 2 ** 22;

type MatchPid = Immutable<Static<typeof matchPid>>;

function lower(report: Report, match: MatchPid, { at }: ConditionPlace): PidCondition {
  if (match.values.length === 0) report.invalid(`${at}.values`, "is empty", "list process ids");
  match.values.forEach((value, i) => {
    if (value < 0) report.invalid(`${at}.values[${i}]`, `is ${value}`, "process ids start at 0");
  });
  match.values.forEach((value, i) => {
    if (value <= maxPid) return;
    report.warn(`${at}.values[${i}]`, `is ${value}, which is no process`, `at most ${maxPid}`);
  });
  const inNamespace = match.isNamespacePID === true;
  const { followForks = false } = match;
  return {
    by: "pid",
    op: match.operator,
    values: canonicalNumbers(match.values),
    inNamespace,
    followForks: followForks && !isZeroAlone({ inNamespace, values: match.values }),
  };
}

/** No process of a namespace has the pid 0 in it, so that with and without its children is one set. */
function isZeroAlone({ inNamespace, values }: Pick<PidCondition, "inNamespace" | "values">) {
  return inNamespace && values.every((value) => value === 0);
}

function isTree({ op, followForks }: PidCondition): boolean {
  return op === "In" && followForks;
}

function anyPid(fc: Arbitraries) {
  return fc
    .record({
      by: fc.constant("pid" as const),
      op: fc.constantFrom(...memberships),
      values: someOf(fc, [0, 1, 2, 100, 101]).map(canonicalNumbers),
      inNamespace: fc.boolean(),
      followForks: fc.boolean(),
    })
    .map((one) => ({ ...one, followForks: one.followForks && !isZeroAlone(one) }));
}

function anyProcess(fc: Arbitraries): Arbitrary<PidFacts> {
  return fc
    .record({
      pid: fc.constantFrom(1, 2, 100, 101),
      ancestors: fc.array(fc.constantFrom(1, 2, 100, 101), { maxLength: 12 }),
      nspid: fc.constantFrom(0, 1, 2),
      nsAncestors: fc.array(fc.constantFrom(2, 100, 101), { maxLength: 12 }),
    })
    .map((process) => ({
      ...process,
      ancestors: process.pid === 1 ? [] : endingAtOne(process.ancestors),
      // Some are of a namespace that their ancestors are not in: what kubectl exec starts, say.
      nsAncestors: process.nspid < 2 ? [] : process.nsAncestors.slice(0, process.ancestors.length),
    }))
    .map((process) => ({
      ...process,
      nsAncestors:
        process.nsAncestors.length < process.ancestors.length / 2
          ? process.nsAncestors
          : endingAtOne(process.nsAncestors).slice(0, process.ancestors.length),
    }));
}

/** Every line of processes ends at pid 1, and there only. */
function endingAtOne(pids: readonly number[]): readonly number[] {
  const end = pids.indexOf(1);
  return [...(end === -1 ? pids : pids.slice(0, end)), 1];
}
