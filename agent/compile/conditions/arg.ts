import type { Arg } from "@guardbee/policy";
import { argKind, argOperator } from "@guardbee/policy/sets";
import { argCodec } from "../../args/index.ts";
import type { PlannedHook } from "../plan.ts";
import { readingOf } from "../readings.ts";
import { formsOfAddresses } from "./arg-address.ts";
import type { Compared, Forms } from "./arg-forms.ts";
import { formsOfNumbers } from "./arg-number.ts";
import { formsOfTexts } from "./arg-text.ts";
import type { By, ConditionCompiler } from "./compiler.ts";

type FacetType = ReturnType<typeof argKind>["facets"][string];

export const arg: ConditionCompiler<By<"arg">> = {
  facet(condition, planned) {
    const { read, type, part, ...compared } = comparedBy(condition, planned);
    return { kind: forms[type].kindOf(compared), part, reading: readingOf(read) };
  },
  compile(asked, dimension) {
    const compared = asked.map(({ bit, conditions }) => ({
      bit,
      conditions: conditions.map((one) => comparedBy(one, dimension.hookOf(bit))),
    }));
    return forms[compared[0]!.conditions[0]!.type].compile(compared, dimension);
  },
};

const forms: Readonly<Record<FacetType, Forms>> = {
  number: formsOfNumbers,
  text: formsOfTexts,
  address: formsOfAddresses,
};

function comparedBy(
  { arg: position, op, values }: By<"arg">,
  { hook }: PlannedHook,
): Compared & { readonly read: Arg; readonly type: FacetType; readonly part: number } {
  const read = hook.args[position]!;
  const operator = argOperator(read.type, op)!; // sets are checked when they come
  const type = argKind(read.type).facets[operator.facet]!;
  return { read, operator, values, type, part: argCodec(read.type).parts[operator.facet]! };
}
