import { enums } from "../../gen/layout.ts";
import { readingOf } from "../readings.ts";
import type { By, ConditionCompiler } from "./compiler.ts";

/** No rows of its own: where something is gained all are left, else those that do not ask. */
export const gained: ConditionCompiler<By<"gained">> = {
  facet: ({ old, new: gains }, { hook: { args } }) => ({
    kind: enums.facet_kind.FACET_ARG_GAINED,
    ...{ reading: readingOf(args[gains]!), other: readingOf(args[old]!) },
  }),
  compile(asked, { where }) {
    const asking = new Set(asked.map(({ bit }) => bit));
    const unasked = where((bit) => !asking.has(bit));
    return { otherwise: unasked, absent: unasked };
  },
};
