import { describeFilePlace } from "../../file-place.ts";
import type { HookPointOf } from "../../hook-point.ts";
import type { TracingPolicySpec } from "../../schema/tracing-policy.ts";
import type { Hook } from "../../selector-set.ts";
import { quote } from "../../suggest.ts";
import { checkFilePath } from "../path.ts";
import { type Report, refuseOthers } from "../report.ts";
import { entryFields, lowerEntry } from "./entry.ts";
import type { HookKind, HookPlace } from "./kind.ts";

type UsdtPoint = HookPointOf<"usdt">;
type UsdtSpec = NonNullable<TracingPolicySpec["usdts"]>[number];

/** Places that authors of programs have marked, when they are passed. */
export const usdt = {
  policy: "TracingPolicy",
  section: "usdts",
  lower,
  whyNoOverride: () => noOverride,
  describe: describeFilePlace,
} satisfies HookKind<UsdtPoint>;

const noOverride = {
  kind: "invalid",
  what: "Override cannot stop what is a place in a function",
  fix: "hook the function by a uprobe, or use Sigkill",
} as const;

function lower(report: Report, spec: UsdtSpec, { at, namespaced }: HookPlace): readonly Hook[] {
  refuseOthers(report, spec, { at, known: ["path", "provider", "name", ...entryFields] });
  if (namespaced) {
    const fix = "use the kind without Namespaced: a library's place is every pod's that has it";
    report.invalid(at, "hooks a program, which is not for policies of one namespace", fix);
  }
  spec.args?.forEach(({ returnCopy }, i) => {
    if (!returnCopy) return;
    const fix = "remove it: nothing returns from such a place";
    report.invalid(`${at}.args[${i}].returnCopy`, "has no meaning", fix);
  });
  const { path, provider, name } = spec;
  checkFilePath(report, path, `${at}.path`);
  for (const [field, text] of Object.entries({ provider, name })) {
    if (/^[^\s\0]+$/.test(text)) continue;
    report.invalid(`${at}.${field}`, `is ${quote(text)}`, "write it as readelf -n shows it");
  }
  const entry = lowerEntry(report, spec, {
    ...{ at, source: "program's function", namespaced, noOverride, writes: true },
  });
  return [{ on: { kind: "usdt", path, provider, name }, ...entry }];
}
