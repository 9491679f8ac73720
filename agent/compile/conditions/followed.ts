import { enums } from "../../gen/layout.ts";
import type { Reading } from "../readings.ts";
import type { ConditionCompiler } from "./compiler.ts";

/** That the policy of the selector follows the descriptor: asked by each selector of such a hook. */
export type Followed = { readonly by: "followed"; readonly reading: Reading };

/** A row for a descriptor that nobody follows, then one for each group of followers. */
export const followed: ConditionCompiler<Followed> = {
  facet: ({ reading }) => ({ kind: enums.facet_kind.FACET_ARG_FOLLOWED, reading }),
  compile(asked, { where, hookOf, shared }) {
    const asking = new Set(asked.map(({ bit }) => bit));
    const groupOf = (bit: number) => shared.followGroups.get(hookOf(bit).set.name);
    const unasked = where((bit) => !asking.has(bit));
    const groups = Array.from({ length: enums.engine_limit.FOLLOW_GROUPS }, (_, group) =>
      where((bit) => asking.has(bit) && groupOf(bit) === group),
    );
    const rows = [unasked, ...groups];
    return { otherwise: unasked, absent: unasked, rows, count: rows.length };
  },
};
