import type { HookPointOf } from "../../hook-point.ts";
import type { KprobeSpec } from "../../schema/tracing-policy.ts";
import type { Hook } from "../../selector-set.ts";
import { lowerCall } from "../call.ts";
import { findList, type List, listPrefix } from "../lists.ts";
import { parametersOf } from "../namespaced-functions.ts";
import { createReport, type Report, refuseOthers } from "../report.ts";
import { lowerReturned } from "../returned.ts";
import { entryFields, lowerEntry } from "./entry.ts";
import type { HookKind, HookPlace } from "./kind.ts";

type KprobePoint = HookPointOf<"kprobe">;

/** A kernel function or a system call, before it runs. */
export const kprobe = {
  policy: "TracingPolicy",
  section: "kprobes",
  // Any kind of program may serve a kprobe, the one that fentries name first of all.
  alsoIn: ["fentries"],
  lower,
  whyNoOverride({ call, syscall }) {
    if (syscall || call.startsWith("security_")) return undefined;
    const fix = "hook a system call or a security_ function, or use Sigkill";
    return { kind: "invalid", what: `Override cannot stop ${call}`, fix };
  },
  describe: ({ call }) => call,
} satisfies HookKind<KprobePoint>;

/** Why the calls of a generated list cannot be overridden. */
export const noOverrideOfGenerated = {
  kind: "invalid",
  what: "Override cannot stop the calls of a generated list",
  fix: "write a list of type syscalls with those to stop",
} as const;

function lower(report: Report, spec: KprobeSpec, place: HookPlace): readonly Hook[] {
  const { at } = place;
  refuseOthers(report, spec, {
    at,
    known: [
      ...["call", "data", "ignore", "return", "returnArg", "returnArgAction", "syscall"],
      ...entryFields,
    ],
  });
  if (!spec.call.startsWith(listPrefix)) return lowerOne(report, spec, place);
  const list = findList(report, place.lists, { call: spec.call, at });
  switch (list?.kind) {
    case undefined:
      return [];
    case "calls":
      return lowerEach(report, spec, { place, list });
    case "all-syscalls":
      return lowerGenerated(report, spec, { place, on: { kind: "functions" } });
    case "functions":
      return lowerGenerated(report, spec, {
        place,
        on: { kind: "functions", pattern: list.pattern },
      });
  }
}

function lowerOne(report: Report, spec: KprobeSpec, place: HookPlace): readonly Hook[] {
  const { at, namespaced } = place;
  const on = lowerCall(report, spec, place);
  const syscall = spec.syscall !== false;
  const entry = lowerEntry(report, spec, {
    at,
    source: syscall ? "system call" : "kernel function",
    parameters: namespaced && !syscall ? parametersOf(spec.call) : undefined,
    ...{ namespaced, traces: true },
    noOverride: on && kprobe.whyNoOverride(on),
    returned: lowerReturned(report, spec, place),
  });
  const mayBeMissing = spec.ignore?.callNotFound === true;
  return on === undefined ? [] : [{ on, ...entry, ...(mayBeMissing && { mayBeMissing }) }];
}

/** One hook for each call of a list; what is wrong with all of them is said once. */
function lowerEach(
  report: Report,
  spec: KprobeSpec,
  { place, list }: { readonly place: HookPlace; readonly list: List & { readonly kind: "calls" } },
): readonly Hook[] {
  const said = new Set<string>();
  return [...new Set(list.calls)].flatMap((call) => {
    const own = createReport();
    const hooks = lowerOne(own, { ...spec, call, syscall: list.syscall }, place);
    for (const [kind, problems] of [
      ["problem", own.problems],
      ["warning", own.warnings],
    ] as const) {
      for (const problem of problems) {
        const key = `${kind} ${problem.field} ${problem.what}`;
        if (said.has(key)) continue;
        said.add(key);
        const { field, what, fix } = problem;
        if (kind === "warning") report.warn(field, what, fix);
        else report[problem.kind](field, what, fix);
      }
    }
    return hooks;
  });
}

function lowerGenerated(
  report: Report,
  spec: KprobeSpec,
  { place, on }: { readonly place: HookPlace; readonly on: HookPointOf<"functions"> },
): readonly Hook[] {
  const { at, namespaced } = place;
  if (namespaced) {
    const fix = "write a list of type syscalls, or use the kind without Namespaced";
    report.invalid(`${at}.call`, "is a generated list in a policy of one namespace", fix);
  }
  if (spec.return === true) {
    const fix = "remove return and returnArg, or write a list of type syscalls";
    report.unsupported(`${at}.return`, "is not supported yet for a generated list", fix);
  }
  spec.args?.forEach(({ returnCopy }, i) => {
    if (!returnCopy) return;
    const fix = "remove it, or write a list of type syscalls";
    report.unsupported(`${at}.args[${i}].returnCopy`, "is not supported yet for such a list", fix);
  });
  const entry = lowerEntry(report, spec, {
    at,
    source: on.pattern === undefined ? "system call" : "kernel function",
    ...{ namespaced, traces: true, noOverride: noOverrideOfGenerated },
  });
  return [{ on, ...entry }];
}
