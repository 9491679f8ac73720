import { canonicalConditions } from "../conditions/index.ts";
import { asksDigest } from "../digest.ts";
import type { ExecPolicySpec, ExecRuleSpec } from "../schema/exec-policy.ts";
import type { Action, Condition, Hook, Selector, SelectorSet } from "../selector-set.ts";
import { canonicalJson, canonicalTexts } from "./canonical.ts";
import { execCondition, type LoweredRule, lowerExecRule, ofUnknownDigest } from "./exec-rule.ts";
import { type Report, refuseOthers } from "./report.ts";

type Rules = ExecPolicySpec["rules"];
type DenyAction = NonNullable<ExecRuleSpec["action"]>;

/** What is asked before a program runs, of script and interpreter in turn. */
const asked = {
  on: { kind: "lsm", hook: "bprm_check_security" },
  args: [{ index: 0, type: "linux_binprm" }],
} as const;

/** Nothing of the runtime's own, which would keep every container from starting. */
const ofContainer = execCondition("StartsContainer", ["0"]);

const actionsOf: Readonly<Record<DenyAction, readonly Action[]>> = {
  Kill: [{ action: "Sigkill" }],
  Deny: [{ action: "Override", error: 1 }],
  Report: [],
};

/** Whether a policy has the second form: lists of what may run and what may not. */
export function hasExecRules({ allow, deny }: Rules): boolean {
  return allow !== undefined || deny !== undefined;
}

/**
 * The lists as hooks: one that decides, in which the rules that deny come first, the strictest of
 * them before the others; and one for rules that only report, which decide nothing.
 */
export function lowerExecRules(
  report: Report,
  rules: Rules,
  { at, learns = false }: { readonly at: string; readonly learns?: boolean },
): readonly Hook[] {
  const known = ["selectors", "allow", "deny", "action", "default", "unknownDigest"];
  refuseOthers(report, rules, { at, known });
  const { allow, deny = [], action = "Deny" } = rules;
  if (allow === undefined && deny.length === 0) {
    report.invalid(`${at}.deny`, "is empty, and there is no allow", "add a rule, or remove it");
  }
  if (allow === undefined && rules.default !== undefined) {
    const fix = "remove it, or add allow: without that all may run that deny does not name";
    report.invalid(`${at}.default`, "has no meaning without allow", fix);
  }
  const denied = deny.flatMap((rule, i) =>
    lowerExecRule(report, rule, `${at}.deny[${i}]`).map((lowered) => ({
      action: rule.action ?? action,
      lowered,
    })),
  );
  const allowing = (allow ?? []).flatMap((rule, i) =>
    lowerExecRule(report, rule, `${at}.allow[${i}]`),
  );
  const unknown = lowerUnknownDigest(report, rules, {
    ...{ at, allowing, denied: denied.map(({ lowered }) => lowered) },
  });
  const denying = (which: DenyAction) =>
    selectorsOf(
      [...denied, ...unknown.denied]
        .filter((one) => one.action === which)
        .map(({ lowered }) => lowered),
      { actions: actionsOf[which], surely: false },
    );
  const others = rules.default === "Report" ? "Report" : action;
  const deciding = [
    ...[...denying("Kill"), ...denying("Deny")],
    ...selectorsOf(allowing, { actions: [{ action: "NoPost" }], surely: true }),
    ...selectorsOf(unknown.allowed, { actions: actionsOf.Report, surely: true }),
    ...(allow === undefined ? [] : selectorsOfOthers(actionsOf[others], learns)),
  ];
  return [deciding, denying("Report")]
    .filter((selectors) => selectors.length > 0)
    .map((selectors) => ({ ...asked, selectors }));
}

/**
 * Of rules that ask for digests, where there is none: what a rule denies is denied, what one allows is
 * not named by it; with Report both run, and are reported.
 */
function lowerUnknownDigest(
  report: Report,
  { unknownDigest }: Rules,
  {
    at,
    allowing,
    denied,
  }: { at: string; allowing: readonly LoweredRule[]; denied: readonly LoweredRule[] },
) {
  const ofUnknown = (rules: readonly LoweredRule[]) =>
    rules.flatMap((rule) => ofUnknownDigest(rule) ?? []);
  const [ofAllow, ofDeny] = [ofUnknown(allowing), ofUnknown(denied)];
  if (unknownDigest !== undefined && ofAllow.length + ofDeny.length === 0) {
    const fix = "remove it, or write digests in a rule";
    report.invalid(`${at}.unknownDigest`, "has no meaning where no rule has digests", fix);
  }
  const isReported = unknownDigest === "Report";
  const action: DenyAction = isReported ? "Report" : "Deny";
  return {
    allowed: isReported ? ofAllow : [],
    denied: ofDeny.map((lowered) => ({ action, lowered })),
  };
}

/** Of what no rule names. Of a policy that learns what surely is from the image stands before the rest. */
function selectorsOfOthers(actions: readonly Action[], learns: boolean): readonly Selector[] {
  const rest = { conditions: [ofContainer], actions };
  if (!learns) return [rest];
  const conditions = canonicalConditions([ofContainer, execCondition("FromImage", ["1"])]);
  return [{ conditions, surely: true, actions }, rest];
}

/** Where those stand, in the hooks of a policy that learns. */
export function learnedSelectors(hooks: readonly Hook[]): NonNullable<SelectorSet["learn"]> {
  const hook = hooks.findIndex(({ on }) => on.kind === asked.on.kind);
  const others = hooks[hook]!.selectors.length - 1;
  return { hook, others, fromImage: others - 1 };
}

/**
 * Rules that differ in the paths alone are one selector for each way in which paths are compared: of
 * those a policy may have many. What may run must be known for sure; what may not need only seem so.
 */
function selectorsOf(
  rules: readonly LoweredRule[],
  { actions, surely }: { readonly actions: readonly Action[]; readonly surely: boolean },
): readonly Selector[] {
  const alike = Map.groupBy(rules, ({ conditions, workloads }) =>
    canonicalJson({ conditions, workloads }),
  );
  // What asks for a digest stands last: the kernel reads the file where nothing before it decides.
  const [last, first] = partition([...alike.values()], ([one]) => asksDigest(one!.conditions));
  return [...first, ...last].flatMap((some): readonly Selector[] => {
    const { conditions, workloads } = some[0]!;
    const paths = some.flatMap((rule) => rule.paths);
    const rest = {
      ...(surely && { surely }),
      ...(workloads && { workloads }),
      actions,
    };
    const all = surely ? conditions : [...conditions, ofContainer];
    const isForAll = some.some((rule) => rule.paths.length === 0);
    const ofPaths = isForAll ? [[]] : [...Map.groupBy(paths, ({ op }) => op)].map(pathCondition);
    return ofPaths.map((own) => ({ conditions: canonicalConditions([...all, ...own]), ...rest }));
  });
}

function partition<T>(all: readonly T[], is: (one: T) => boolean): readonly [T[], T[]] {
  return [all.filter(is), all.filter((one) => !is(one))];
}

type Paths = LoweredRule["paths"];

function pathCondition([op, some]: readonly [Paths[number]["op"], Paths]): readonly Condition[] {
  return [{ by: "arg", arg: 0, op, values: canonicalTexts(some.map(({ value }) => value)) }];
}
