import { actionKind } from "./actions/index.ts";
import { argTypesWhere } from "./args/index.ts";
import { conditionKind } from "./conditions/index.ts";
import { createReport, type Report } from "./lower/report.ts";
import type { Problem, Result } from "./problem.ts";
import { checkReturned, isReturnedType, returnedTypes } from "./returned.ts";
import { conform } from "./schema/conform.ts";
import { positionIn, requiredList } from "./schema/dsl.ts";
import { type Arg, type Hook, type SelectorSet, selectorSet } from "./selector-set.ts";

const sets = requiredList(selectorSet);

/**
 * The sets in `raw`, or every way in which it is no list of SelectorSets as this version knows them:
 * the API server's schema takes more, and another version writes what this one cannot do. Nothing
 * of a list is taken then: what is understood in part would match more than it says. Never throws.
 */
export function parseSets(raw: unknown, at: string): Result<readonly SelectorSet[]> {
  const nulls: Problem[] = [];
  const dropped = (field: string) => nulls.push(isNull(field));
  const conformed = conform(sets, raw, at, { dropped });
  if (!conformed.ok) return { ok: false, problems: [...conformed.problems, ...nulls] };
  if (nulls.length > 0) return { ok: false, problems: nulls };
  // Nothing has a default, and nothing was dropped: it is what was given.
  const value = raw as readonly SelectorSet[];
  const report = createReport();
  for (const [i, { hooks }] of value.entries()) {
    for (const [j, hook] of hooks.entries()) checkHook(report, hook, `${at}[${i}].hooks[${j}]`);
  }
  return report.problems.length > 0
    ? { ok: false, problems: report.problems }
    : { ok: true, value };
}

function isNull(field: string): Problem {
  return { field, what: "is null", fix: "leave it out", kind: "invalid" };
}

/** Says what no schema does: how conditions and actions fit the hook's arguments. */
export function checkHook(report: Report, { args, selectors, returned }: Hook, at: string): void {
  if (returned !== undefined && !isReturnedType(returned.type)) {
    const fix = `allowed: ${returnedTypes().join(", ")}`;
    report.invalid(`${at}.returned.type`, `is ${returned.type}, which no call returns`, fix);
  }
  for (const [i, selector] of selectors.entries()) {
    const { conditions, actions, returned: ofReturned = [], returnActions = [] } = selector;
    for (const [j, condition] of ofReturned.entries()) {
      checkReturned(report, condition, { at: `${at}.selectors[${i}].returned[${j}]`, returned });
    }
    for (const [j, condition] of conditions.entries()) {
      const { schema, check } = conditionKind(condition.by);
      const place = { at: `${at}.selectors[${i}].conditions[${j}]`, args };
      if (checkPositions(report, schema, condition, place)) check?.(report, condition, place);
    }
    for (const [j, action] of actions.entries()) {
      const { schema } = actionKind(action.action);
      const place = { at: `${at}.selectors[${i}].actions[${j}]`, args };
      checkPositions(report, schema, action, place);
    }
    for (const [j, { action }] of returnActions.entries()) {
      const field = `${at}.selectors[${i}].returnActions[${j}].action`;
      const fix = returned === undefined ? "say its type in hook.returned" : "write it in actions";
      if (returned === undefined || !actionKind(action).atReturn)
        report.invalid(field, `is ${action}, which cannot be done at a return`, fix);
    }
  }
}

/** Whether every argument that `given` names by position is there, and may be what it is taken for. */
function checkPositions(
  report: Report,
  { properties }: { readonly properties: Readonly<Record<string, object>> },
  given: object,
  { at, args }: { readonly at: string; readonly args: readonly Arg[] },
): boolean {
  const values = given as Readonly<Record<string, unknown>>;
  return Object.entries(properties).every(([name, schema]) => {
    const role = positionIn(schema);
    if (role === undefined) return true;
    const position = Number(values[name]);
    const arg = args[position];
    const types = argTypesWhere(({ standsFor }) => role === "any" || standsFor === role);
    if (arg === undefined) {
      const fix = `the hook has ${args.length} arguments, counted from 0`;
      report.invalid(`${at}.${name}`, `is ${position}`, fix);
    } else if (!types.includes(arg.type)) {
      const fix = `allowed: ${types.join(", ")}`;
      report.invalid(`${at}.${name}`, `names an argument of type ${arg.type}`, fix);
    }
    return arg !== undefined && types.includes(arg.type);
  });
}
