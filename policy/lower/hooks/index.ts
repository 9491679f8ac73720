import type { HookPoint, HookPointOf } from "../../hook-point.ts";
import { type HookSection, hookSections } from "../../schema/tracing-policy.ts";
import { exec } from "./exec.ts";
import { functions } from "./functions.ts";
import type { HookKind } from "./kind.ts";
import { kprobe } from "./kprobe.ts";
import { lsm } from "./lsm.ts";
import { rawTracepoint, tracepoint } from "./tracepoint.ts";
import { uprobe } from "./uprobe.ts";
import { usdt } from "./usdt.ts";

/** The kinds of hooks that this version has. Messages list their sections in this order. */
export const hookKinds = {
  kprobe,
  exec,
  lsm,
  functions,
  uprobe,
  usdt,
  rawTracepoint,
  tracepoint,
} satisfies {
  readonly [Kind in HookPoint["kind"]]: HookKind<HookPointOf<Kind>>;
};

/** What the language knows of hooks of that kind. */
export function hookKind(kind: HookPoint["kind"]): HookKind {
  return hookKinds[kind];
}

const tracingHookKinds = Object.values<HookKind>(hookKinds).filter(
  ({ policy }) => policy === "TracingPolicy",
);

/** Where a TracingPolicy has hooks, and of which kind. */
export const loweredSections: ReadonlyMap<HookSection, HookKind> = new Map(
  hookSections.flatMap((section) => {
    const kind = tracingHookKinds.find(
      (one) => one.section === section || one.alsoIn?.includes(section),
    );
    return kind === undefined ? [] : [[section, kind] as const];
  }),
);

/** What a hook is on, in a word for people: `sys_write`. */
export function describeHookPoint(on: HookPoint): string {
  return hookKind(on.kind).describe(on);
}
