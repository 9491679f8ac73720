import { argKind, argTypesWhere } from "../args/index.ts";
import type { MatchArg } from "../conditions/arg.ts";
import type { Condition } from "../conditions/index.ts";
import { unreadArgType } from "../schema/vocabulary.ts";
import type { ArgTable } from "./args.ts";
import { CelProblem, type CelType, celType, compileCel } from "./cel.ts";
import type { Report } from "./report.ts";

/** What matchArgs with CelExpr ask, as conditions on one argument each; what was refused is left out. */
export function lowerCelExprs(
  report: Report,
  matches: readonly MatchArg[],
  { at, table }: { readonly at: string; readonly table: ArgTable },
): readonly Condition[] {
  return matches.flatMap((match, i) => {
    if (match.operator !== celOperator) return [];
    const field = `${at}[${i}].values`;
    const values = match.values ?? [];
    if (values.length !== 1) {
      report.invalid(field, `has ${values.length} values`, "write one expression");
      return [];
    }
    try {
      const conditions = compileCel(values[0]!, (position) => variableType(table, position));
      return [...conditions].map(([position, spans]) => ({
        ...({ by: "arg", arg: table.entries[position]!.position!, op: "InRange" } as const),
        values: spans.map(({ first, last }) => `${first}:${last}`),
      }));
    } catch (problem) {
      if (!(problem instanceof CelProblem)) throw problem;
      const { kind, message, fix } = problem;
      if (kind !== "said") report[kind](`${field}[0]`, message, fix);
      return [];
    }
  });
}

/** Of matchArgs. */
export const celOperator = "CelExpr";

function variableType({ entries }: ArgTable, position: number): CelType {
  const entry = entries[position];
  if (entry === undefined) {
    const fix = `args has ${entries.length} entries, counted from 0`;
    throw new CelProblem("invalid", `names arg${position}`, fix);
  }
  const name = entry.lowered && argKind(entry.lowered.type).cel;
  if (name !== undefined) return celType(name);
  if (entry.lowered === undefined && entry.type !== unreadArgType)
    throw new CelProblem("said", "", "");
  const types = argTypesWhere(({ cel }) => cel !== undefined).join(", ");
  const what = `names arg${position}, of type ${entry.type}`;
  throw new CelProblem("invalid", what, `expressions take arguments of type ${types}`);
}
