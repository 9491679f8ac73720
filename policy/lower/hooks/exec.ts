import { lowerAction } from "../../actions/index.ts";
import { canonicalConditions, conditionKinds, lowerConditions } from "../../conditions/index.ts";
import type { HookPointOf } from "../../hook-point.ts";
import type { ExecItemSpec, ExecPolicySpec } from "../../schema/exec-policy.ts";
import type { Action, Condition, Hook } from "../../selector-set.ts";
import { hasExecRules, lowerExecRules } from "../exec-rules.ts";
import { type Report, refuseOthers } from "../report.ts";
import type { HookKind, HookPlace } from "./kind.ts";

type ExecPlace = Pick<HookPlace, "at" | "namespaced"> & {
  /** What no rule names is to be told apart by where it comes from. */
  readonly learns?: boolean;
};
type ExecPoint = HookPointOf<"exec">;

/** Each exec that succeeded. */
export const exec = {
  policy: "ExecPolicy",
  section: "rules",
  lower: lowerExec,
  whyNoOverride: () => noOverride,
  describe: () => "exec",
} satisfies HookKind<ExecPoint>;

const noOverride = {
  kind: "unsupported",
  what: "Override is not supported here yet",
  fix: "use Sigkill: the exec is done when an ExecPolicy looks at it",
} as const;

/** Of lists of programs the hooks that decide before one runs, of conditions the one that sees those that do. */
export function lowerExec(
  report: Report,
  rules: ExecPolicySpec["rules"],
  place: ExecPlace,
): readonly Hook[] {
  const ofRules = hasExecRules(rules) ? lowerExecRules(report, rules, place) : [];
  const hasItems = rules.selectors !== undefined && rules.selectors.length > 0;
  if (hasExecRules(rules) && !hasItems) return ofRules;
  return [lowerItems(report, rules, place), ...ofRules];
}

/** All items ANDed into one selector. */
function lowerItems(
  report: Report,
  rules: ExecPolicySpec["rules"],
  { at, namespaced }: ExecPlace,
): Hook {
  if (!hasExecRules(rules)) refuseOthers(report, rules, { at, known: ["selectors"], fix: noRules });
  const items = rules.selectors ?? [];
  if (items.length === 0 && report.problems.length === 0) {
    const fix = "add an item such as matchCapabilities, or write allow or deny";
    report.invalid(`${at}.selectors`, "is empty", fix);
  }
  const parts = items.map((item, i) =>
    lowerItem(report, item, { at: `${at}.selectors[${i}]`, namespaced }),
  );
  const conditions = canonicalConditions(parts.flatMap((item) => item.conditions));
  const actions = parts.flatMap((item) => item.actions);
  return { on: { kind: "exec" }, args: [], selectors: [{ conditions, actions }] };
}

const noRules = "it belongs to allow and deny: add one of them, or remove it";

type LoweredItem = {
  readonly conditions: readonly Condition[];
  readonly actions: readonly Action[];
};

function lowerItem(report: Report, item: ExecItemSpec, { at, namespaced }: ExecPlace): LoweredItem {
  const table = { args: [], entries: [] };
  const place = { at, table, policy: "ExecPolicy" } as const;
  const conditions = [
    ...lowerConditions(report, item, place),
    lowerBinarys(report, item, at),
  ].filter((condition) => condition !== undefined);
  const actions = (item.matchActions ?? [])
    .map((action, i) =>
      lowerAction(report, action, {
        ...{ at: `${at}.matchActions[${i}]`, table, noOverride, namespaced },
      }),
    )
    .filter((action) => action !== undefined);
  return { conditions, actions };
}

/** undefined: any binary. Values stand below matchBinarys, or beside an empty one. */
function lowerBinarys(report: Report, item: ExecItemSpec, at: string): Condition | undefined {
  const { matchBinarys: below, values: beside } = item;
  if (below === undefined && beside === undefined) return undefined;
  if (below && (beside !== undefined || item.operator !== undefined)) {
    const fix = "write operator and values in one place, below matchBinarys";
    report.invalid(`${at}.matchBinarys`, "has values below it and beside it", fix);
  }
  const match = below ?? {
    ...(item.operator === undefined ? {} : { operator: item.operator }),
    values: beside ?? [],
  };
  const { operator = "In", values } = match;
  const place = below ? `${at}.matchBinarys` : at;
  if (!values.includes("*")) return conditionKinds.binary.lower(report, match, { at: place });
  if (operator !== "In") {
    const fix = 'write operator In, or list paths: "*" is any binary';
    report.invalid(`${place}.operator`, `is ${operator} of any binary, which is none`, fix);
  }
  return undefined;
}
