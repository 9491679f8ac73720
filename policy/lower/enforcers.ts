import { actionsOf, effectOf } from "../actions/index.ts";
import type { TracingPolicySpec } from "../schema/tracing-policy.ts";
import type { Hook, HookPoint } from "../selector-set.ts";
import { lowerCall } from "./call.ts";
import type { PlacedHook } from "./check-actions.ts";
import type { HookPlace } from "./hooks/kind.ts";
import { findList, listPrefix } from "./lists.ts";
import { createReport, type Report } from "./report.ts";

/** The hooks of spec.enforcers, whose calls end as actions of `others` have left for them. */
export function lowerEnforcers(
  report: Report,
  specs: NonNullable<TracingPolicySpec["enforcers"]>,
  { others, ...of }: Omit<HookPlace, "at"> & { readonly others: readonly PlacedHook[] },
): readonly PlacedHook[] {
  const section = "enforcers";
  if (specs.length > 1) {
    report.invalid(`spec.${section}`, `has ${specs.length} entries`, "write all calls into one");
  }
  const notices = others.flatMap(({ hook }) =>
    actionsOf(hook).flatMap((action) => {
      const { notice, forgetsNotice } = effectOf(action);
      const isOfThem = notice !== undefined || forgetsNotice;
      return isOfThem ? [{ action: action.action, error: notice?.error ?? 0 }] : [];
    }),
  );
  if (notices.length > 0 && specs.length === 0) {
    const what = `is missing, and ${notices[0]!.action} acts by it alone`;
    report.invalid(`spec.${section}`, what, "list the calls to stop: [{calls: [sys_openat]}]");
  }
  const overrides = notices.some(({ error }) => error !== 0);
  return specs.flatMap(({ calls }, i) => {
    const points = new Map<string, PlacedHook>();
    for (const [n, call] of calls.entries()) {
      const at = `spec.${section}[${i}].calls[${n}]`;
      for (const on of pointsOf(report, call, { ...of, at })) {
        const hook: Hook = {
          ...{ on, args: [] },
          selectors: [{ conditions: [], actions: [{ action: "Enforce", overrides }] }],
        };
        points.set(JSON.stringify(on), { at, section, hook });
      }
    }
    return [...points.values()];
  });
}

/** What one entry of `calls` names: a call, or a list of them. */
function pointsOf(report: Report, call: string, place: HookPlace): readonly HookPoint[] {
  const own = createReport();
  const points = listedIn(own, call, place);
  // In place of a hook's field `call` it is here the entry itself.
  for (const { kind, field, what, fix } of own.problems) {
    report[kind](field.replace(/\.call$/, ""), what, fix);
  }
  return points;
}

function listedIn(report: Report, call: string, place: HookPlace): readonly HookPoint[] {
  if (!call.startsWith(listPrefix)) return pointOf(report, call, place);
  const list = findList(report, place.lists, { call, at: place.at });
  if (list === undefined) return [];
  if (list.kind === "calls") return list.calls.flatMap((one) => pointOf(report, one, place));
  const fix = "write a list of type syscalls with those to stop";
  report.invalid(`${place.at}.call`, "is a generated list", fix);
  return [];
}

function pointOf(report: Report, call: string, place: HookPlace): readonly HookPoint[] {
  const syscall = !call.startsWith("security_");
  const on = lowerCall(report, { call, syscall }, place);
  return on === undefined ? [] : [on];
}
