import { lowerAction } from "../../actions/index.ts";
import { canonicalConditions, conditionKinds, lowerConditions } from "../../conditions/index.ts";
import type { HookPointOf } from "../../hook-point.ts";
import type { ExecItemSpec, ExecPolicySpec } from "../../schema/exec-policy.ts";
import type { Action, Condition, Hook } from "../../selector-set.ts";
import { type Report, refuseOthers } from "../report.ts";
import type { HookKind, HookPlace } from "./kind.ts";

type ExecPlace = Pick<HookPlace, "at" | "namespaced">;
type ExecPoint = HookPointOf<"exec">;

/** Each exec that succeeded. */
export const exec = {
  policy: "ExecPolicy",
  section: "rules",
  lower: (report: Report, rules: ExecPolicySpec["rules"], place: ExecPlace) => [
    lowerExec(report, rules, place),
  ],
  whyNoOverride: () => noOverride,
  describe: () => "exec",
} satisfies HookKind<ExecPoint>;

const noOverride = {
  kind: "unsupported",
  what: "Override is not supported here yet",
  fix: "use Sigkill: the exec is done when an ExecPolicy looks at it",
} as const;

/** All items ANDed into one selector. */
export function lowerExec(
  report: Report,
  rules: ExecPolicySpec["rules"],
  { at, namespaced }: ExecPlace,
): Hook {
  const fix = `this version takes ${at}.selectors only`;
  refuseOthers(report, rules, { at, known: ["selectors"], fix });
  const items = rules.selectors ?? [];
  if (items.length === 0 && report.problems.length === 0) {
    report.invalid(`${at}.selectors`, "is empty", "add an item such as matchCapabilities");
  }
  const parts = items.map((item, i) =>
    lowerItem(report, item, { at: `${at}.selectors[${i}]`, namespaced }),
  );
  const conditions = canonicalConditions(parts.flatMap((item) => item.conditions));
  const actions = parts.flatMap((item) => item.actions);
  return { on: { kind: "exec" }, args: [], selectors: [{ conditions, actions }] };
}

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
