import type fc from "fast-check";
import type { TObject, TProperties } from "typebox";
import type { Arg } from "../args/index.ts";
import type { Given } from "../decide/parameter.ts";
import type { ArgTable } from "../lower/args.ts";
import type { Report } from "../lower/report.ts";
import type { SelectorSpec } from "../schema/selector.ts";

/**
 * Everything that the language knows of one kind of condition: an entry of `conditionKinds`. C is the
 * condition in a SelectorSet, P what it looks at of a process.
 */
export type ConditionKind<
  C extends { readonly by: string } = { readonly by: string },
  P = object,
> = {
  /** Of the condition in a SelectorSet. */
  readonly schema: TObject<TProperties>;
  /** Where a policy writes it: a list in each of its selectors. */
  readonly section: Section;
  /** Another list of the same. */
  readonly alsoIn?: Section;
  /** One entry of that list; undefined when it was refused, which `report` says. */
  lower(report: Report, match: unknown, place: ConditionPlace): C | undefined;
  /** Says what its schema does not: how it fits the arguments, which are there. */
  check?(report: Report, condition: C, place: CheckPlace): void;
  /** Whether it is met. What cannot be told meets it when it is negated. */
  holds(condition: C, call: Given & { readonly process: P }, args: readonly Arg[]): boolean;
  /**
   * Why what an event tells of a call does not say whether it is met; undefined: it says so. What
   * was not told is then of no consequence for `holds`.
   */
  whyUntold(condition: C, told: Told, call: Given & { readonly process: P }): string | undefined;
  /** Whether no process of the host ever meets it. */
  excludesHost?(condition: C): boolean;
  /** In a phrase for people: `pid NotIn 1`. */
  describe(condition: C, words: Words): string;
  /** Test support: random ones, as lowering makes them, for a hook that reads `args`. */
  any(arbitrary: Arbitraries, args: readonly Arg[]): readonly fc.Arbitrary<C>[];
  /** Test support: the engine does not take both in one selector. */
  clash?(one: C, other: C): boolean;
  /** Test support: what it looks at, of a random process. */
  anyProcess(arbitrary: Arbitraries): fc.Arbitrary<Partial<P>>;
};

/** What an event tells of a call; of what it does not tell, why. */
export type Told = {
  /** Paths of the executables of the process and of what made it. */
  readonly names: string | undefined;
  readonly credentials: string | undefined;
  readonly namespaces: string | undefined;
  /** Whether `ancestors` and `nsAncestors` of the process are all there. */
  readonly lineage: "whole" | "part";
  /** Whether the process descends from pid 1 of its container. */
  readonly inInitTree: boolean;
  /** By position in `Hook.args`. */
  readonly args: readonly { readonly type: Arg["type"]; readonly why: string | undefined }[];
};

/** A field of a selector that is a list of conditions. */
export type Section = {
  [Key in keyof SelectorSpec]-?: NonNullable<SelectorSpec[Key]> extends readonly object[]
    ? Key
    : never;
}[keyof SelectorSpec];

export type ConditionPlace = {
  readonly at: string;
  /** The list that it is in. */
  readonly section?: Section;
  readonly table: ArgTable;
  /** What some words mean differs between the kinds of policy. */
  readonly policy: "TracingPolicy" | "ExecPolicy";
};

/** Of a condition in a SelectorSet. */
export type CheckPlace = { readonly at: string; readonly args: readonly Arg[] };

/** How a condition is put in words. */
export type Words = {
  readonly args: readonly Arg[];
  /** Says what is in a list, or how much more there is. */
  readonly list: (values: readonly (string | number)[]) => string;
};

/** fast-check, which is there for tests only: who wants random things brings it. */
export type Arbitraries = typeof fc;
