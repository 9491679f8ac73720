import type { HookPointOf } from "../../hook-point.ts";
import type { HookKind } from "./kind.ts";
import { kprobe, noOverrideOfGenerated } from "./kprobe.ts";

type FunctionsPoint = HookPointOf<"functions">;

/** Many kernel functions as one: every system call, or all whose names match a pattern. */
export const functions = {
  policy: "TracingPolicy",
  section: kprobe.section,
  lower: kprobe.lower,
  whyNoOverride: () => noOverrideOfGenerated,
  describe: ({ pattern }) => (pattern === undefined ? "every system call" : `functions ${pattern}`),
} satisfies HookKind<FunctionsPoint>;
