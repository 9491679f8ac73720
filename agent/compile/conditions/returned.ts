import type { ReturnedCondition } from "@guardbee/policy";
import { enums } from "../../gen/layout.ts";
import type { PlannedHook } from "../plan.ts";
import { arg } from "./arg.ts";
import type { By, ConditionCompiler } from "./compiler.ts";

/** What the call returned, compared as an argument is. */
export type OnReturned = ReturnedCondition & { readonly by: "returned" };

export const returned: ConditionCompiler<OnReturned> = {
  facet: (condition, planned) => arg.facet(onArg(condition), asArg(planned)),
  compile: (asked, dimension) =>
    arg.compile(
      asked.map(({ bit, conditions }) => ({ bit, conditions: conditions.map(onArg) })),
      { ...dimension, hookOf: (bit) => asArg(dimension.hookOf(bit)) },
    ),
};

function onArg({ op, values }: OnReturned): By<"arg"> {
  return { by: "arg", arg: 0, op, values };
}

/** The hook as if what its calls return was its argument. */
function asArg(planned: PlannedHook): PlannedHook {
  const { type } = planned.hook.returned!; // sets are checked when they come
  const args = [{ type, index: enums.engine_limit.RETURNED_INDEX }];
  return { ...planned, hook: { ...planned.hook, args } };
}
