import {
  type Arg,
  defaultAction,
  describeAction,
  describeCondition,
  describeHookPoint,
  type Hook,
  type LabelSelector,
  type Scope,
  type Selector,
} from "@guardbee/policy";

/** Values shown of a list; the rest is counted. */
const maxValues = 4;

/** Where a set holds, in a phrase: `pods in shop with app=web, containers with name=main`. */
export function describeScope({ host, pods }: Scope): string {
  const parts = host ? ["host processes"] : [];
  if (pods !== undefined) {
    const { namespaces, labels, containers, unknown } = pods;
    const all = namespaces === undefined && labels === undefined;
    const where = namespaces === undefined ? "" : ` in ${listOf(namespaces)}`;
    const which = labels === undefined ? "" : ` with ${describeLabels(labels)}`;
    parts.push(`${all ? "every pod" : `pods${where}${which}`}`);
    if (containers !== undefined) parts.push(`containers with ${describeLabels(containers)}`);
    if (unknown === "Deny") parts.push("or not known yet");
  }
  return parts.length === 0 ? "nothing" : parts.join(", ");
}

/** A label selector in kubectl's notation: `app=web,tier in (a, b),!canary`. */
export function describeLabels({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const equal = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  return [...equal, ...matchExpressions.map(describeTerm)].join(",");
}

type Term = NonNullable<LabelSelector["matchExpressions"]>[number];

function describeTerm({ key, operator, values = [] }: Term): string {
  switch (operator) {
    case "In":
      return `${key} in (${listOf(values)})`;
    case "NotIn":
      return `${key} notin (${listOf(values)})`;
    case "Exists":
      return key;
    case "DoesNotExist":
      return `!${key}`;
  }
}

/** What it is attached to: `sys_write`, `exec`. */
export function describeHook({ on }: Hook): string {
  return describeHookPoint(on);
}

/** One selector in a line: `args[1] Prefix /tmp/: Sigkill`. */
export function describeSelector(
  { conditions, workloads, actions, returned = [], returnActions = [] }: Selector,
  args: readonly Arg[],
): string {
  const when = conditions
    .map((one) => describeCondition(one, { args, list: listOf }))
    .join(" and ");
  const where = workloads === undefined ? "" : ` in ${describeScope(workloads)}`;
  const then = actions.length === 0 ? defaultAction : actions.map(describeAction).join(", ");
  const reported = returned
    .map(({ op, values }) => `returns ${op} ${listOf(values)}`)
    .join(" and ");
  const last = returnActions.map(describeAction).join(", ");
  return [
    `${when === "" ? "always" : when}${where}: ${then}`,
    ...(reported === "" ? [] : [`reported if it ${reported}`]),
    ...(last === "" ? [] : [`then ${last}`]),
  ].join(", ");
}

function listOf(values: readonly (string | number)[]): string {
  const more = values.length - maxValues;
  const shown = values.slice(0, maxValues).join(", ");
  return more > 0 ? `${shown} +${more} more` : shown;
}
