import type { HookPointOf } from "../../hook-point.ts";
import type { KprobeSpec } from "../../schema/tracing-policy.ts";
import type { Hook } from "../../selector-set.ts";
import { lowerCall } from "../call.ts";
import { parametersOf } from "../namespaced-functions.ts";
import { type Report, refuseOthers } from "../report.ts";
import { lowerReturned } from "../returned.ts";
import { entryFields, lowerEntry } from "./entry.ts";
import type { HookKind, HookPlace } from "./kind.ts";

type KprobePoint = HookPointOf<"kprobe">;

/** A kernel function or a system call, before it runs. */
export const kprobe = {
  policy: "TracingPolicy",
  section: "kprobes",
  lower,
  whyNoOverride({ call, syscall }) {
    if (syscall || call.startsWith("security_")) return undefined;
    const fix = "hook a system call or a security_ function, or use Sigkill";
    return { kind: "invalid", what: `Override cannot stop ${call}`, fix };
  },
  describe: ({ call }) => call,
} satisfies HookKind<KprobePoint>;

function lower(report: Report, spec: KprobeSpec, place: HookPlace): Hook | undefined {
  const { at, namespaced } = place;
  refuseOthers(report, spec, {
    at,
    known: ["call", "ignore", "return", "returnArg", "syscall", ...entryFields],
  });
  if (spec.ignore?.callNotFound === true) {
    const fix = "remove it: a node without this function then says so in the status";
    report.unsupported(`${at}.ignore.callNotFound`, "is not supported yet", fix);
  }
  const on = lowerCall(report, spec, place);
  const syscall = spec.syscall !== false;
  const entry = lowerEntry(report, spec, {
    at,
    source: syscall ? "system call" : "kernel function",
    parameters: namespaced && !syscall ? parametersOf(spec.call) : undefined,
    noOverride: on && kprobe.whyNoOverride(on),
    returned: lowerReturned(report, spec, place),
  });
  return on && { on, ...entry };
}
