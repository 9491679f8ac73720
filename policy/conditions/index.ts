import type { Arg } from "../args/index.ts";
import type { Given } from "../decide/parameter.ts";
import { byCodePoint, canonicalJson } from "../lower/canonical.ts";
import type { Report } from "../lower/report.ts";
import { tagged } from "../schema/dsl.ts";
import type { SelectorSpec } from "../schema/selector.ts";
import { type ArgCondition, arg } from "./arg.ts";
import { type BinaryCondition, type BinaryFacts, binary } from "./binary.ts";
import { type CapabilityCondition, type CapabilityFacts, capability } from "./capability.ts";
import {
  type CapabilityChangeCondition,
  type ChangeFacts,
  capabilityChange,
  type NamespaceChangeCondition,
  namespaceChange,
} from "./changes.ts";
import { type GainedCondition, gained } from "./gained.ts";
import type { ConditionKind, ConditionPlace, Told, Words } from "./kind.ts";
import { type NamespaceCondition, type NamespaceFacts, namespace } from "./namespace.ts";
import {
  type ParentBinaryCondition,
  type ParentBinaryFacts,
  parentBinary,
} from "./parent-binary.ts";
import { type PidCondition, type PidFacts, pid } from "./pid.ts";

export type Condition =
  | PidCondition
  | BinaryCondition
  | ParentBinaryCondition
  | NamespaceCondition
  | CapabilityCondition
  | NamespaceChangeCondition
  | CapabilityChangeCondition
  | ArgCondition
  | GainedCondition;

/** What conditions look at of a process. */
export type ProcessFacts = PidFacts &
  BinaryFacts &
  ParentBinaryFacts &
  NamespaceFacts &
  CapabilityFacts &
  ChangeFacts;

/** The kinds of conditions that this version has, in the order in which a selector lists them. */
export const conditionKinds = {
  pid,
  binary,
  parentBinary,
  namespace,
  capability,
  namespaceChange,
  capabilityChange,
  arg,
  gained,
} satisfies {
  readonly [By in Condition["by"]]: ConditionKind<Extract<Condition, { by: By }>, ProcessFacts>;
};

/** One that a process or an argument is to meet. */
export const condition = tagged(
  "by",
  Object.values(conditionKinds).map(({ schema }) => schema),
);

const names = Object.keys(conditionKinds);

/** What the language knows of conditions of that kind. */
export function conditionKind(by: Condition["by"]): ConditionKind<Condition, ProcessFacts> {
  return conditionKinds[by];
}

export const conditionKindList =
  Object.values<ConditionKind<Condition, ProcessFacts>>(conditionKinds);

/** Sections of a selector that are lowered to conditions. */
export const conditionSections = conditionKindList.flatMap(({ section, alsoIn }) =>
  alsoIn === undefined ? [section] : [section, alsoIn],
);

/** What the sections of a policy's selector say; what was refused is left out and reported. */
export function lowerConditions(
  report: Report,
  spec: Partial<SelectorSpec>,
  place: ConditionPlace,
): readonly Condition[] {
  return conditionKindList.flatMap((kind) =>
    [kind.section, kind.alsoIn].flatMap((section) => {
      const given: readonly unknown[] = (section && spec[section]) ?? [];
      return given.flatMap((match, i) => {
        const at = `${place.at}.${section}[${i}]`;
        return kind.lower(report, match, { ...place, ...(section && { section }), at }) ?? [];
      });
    }),
  );
}

/** AND knows no order and no repetition: sorted by kind, then content, each once. */
export function canonicalConditions(conditions: readonly Condition[]): readonly Condition[] {
  const byText = new Map(conditions.map((condition) => [canonicalJson(condition), condition]));
  return [...byText]
    .sort(([textA, a], [textB, b]) => {
      const kind = names.indexOf(a.by) - names.indexOf(b.by);
      return kind !== 0 ? kind : byCodePoint(textA, textB);
    })
    .map(([, condition]) => condition);
}

/** Whether some selector compares processes with what they were before. */
export function asksForChanges({
  hooks,
}: {
  readonly hooks: readonly {
    readonly selectors: readonly { readonly conditions: readonly Condition[] }[];
  }[];
}): boolean {
  return hooks.some(({ selectors }) =>
    selectors.some(({ conditions }) =>
      conditions.some(({ by }) => by === "namespaceChange" || by === "capabilityChange"),
    ),
  );
}

/** Whether a condition is met. What cannot be told meets the negated ones, and no others. */
export function holds(
  condition: Condition,
  { args }: { readonly args: readonly Arg[] },
  call: Given & { readonly process: ProcessFacts },
): boolean {
  return conditionKind(condition.by).holds(condition, call, args);
}

/** Why what an event tells of a call does not say whether the condition is met; undefined: it says so. */
export function whyUntold(
  condition: Condition,
  told: Told,
  call: Given & { readonly process: ProcessFacts },
): string | undefined {
  return conditionKind(condition.by).whyUntold(condition, told, call);
}

/** A condition in a phrase for people: `pid NotIn 1`. */
export function describeCondition(condition: Condition, words: Words): string {
  return conditionKind(condition.by).describe(condition, words);
}
