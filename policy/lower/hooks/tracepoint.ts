import { syscallAliases, syscalls } from "../../gen/syscalls.ts";
import type { HookPointOf } from "../../hook-point.ts";
import type { TracingPolicySpec } from "../../schema/tracing-policy.ts";
import type { Hook } from "../../selector-set.ts";
import { quote, suggest } from "../../suggest.ts";
import type { Indexes } from "../args.ts";
import { maxFieldIndex } from "../limits.ts";
import { type Report, refuseOthers } from "../report.ts";
import { whyUnsafeEvent } from "../unsafe-functions.ts";
import { entryFields, lowerEntry } from "./entry.ts";
import type { HookKind, HookPlace } from "./kind.ts";

type TracepointSpec = NonNullable<TracingPolicySpec["tracepoints"]>[number];
type Named = { readonly subsystem: string; readonly event: string };

type Point = HookPointOf<"rawTracepoint" | "tracepoint">;

const ofTracepoints = {
  policy: "TracingPolicy",
  section: "tracepoints",
  lower,
  whyNoOverride: () => noOverride,
  describe: ({ subsystem, event }: Point) => `${subsystem}/${event}`,
} as const;

/** A place in the kernel's code that tells whoever asks that it was reached, with its own parameters. */
export const rawTracepoint = ofTracepoints satisfies HookKind<HookPointOf<"rawTracepoint">>;

/** The same, with the fields that are shown of it. */
export const tracepoint = ofTracepoints satisfies HookKind<HookPointOf<"tracepoint">>;

const noOverride = {
  kind: "invalid",
  what: "Override has no meaning at a tracepoint, which only tells what happens",
  fix: "hook a system call or a security_ function, or use Sigkill",
} as const;

const syscallSubsystem = "syscalls";
const [onEnter, onExit] = ["sys_enter_", "sys_exit_"] as const;

/** Fields of a format file that can be read: the first four, of every event, are not handed to programs. */
const ofFields: Indexes = {
  ...{ first: 4, last: maxFieldIndex },
  count: "it counts the fields of the event's format file, of which the first four cannot be read",
};
/** The parameters of a system call, behind its number; the sixth cannot be read. */
const ofSyscall: Indexes = {
  ...{ first: 5, last: 9 },
  count: "it counts the fields of the event's format file, where the call's parameters are these",
};

function lower(report: Report, spec: TracepointSpec, place: HookPlace): readonly Hook[] {
  const { at, namespaced } = place;
  const { subsystem, event, raw } = spec;
  refuseOthers(report, spec, { at, known: ["subsystem", "event", "raw", ...entryFields] });
  spec.args?.forEach(({ returnCopy }, i) => {
    if (!returnCopy) return;
    const fix = "remove it: nothing returns from a tracepoint";
    report.invalid(`${at}.args[${i}].returnCopy`, "has no meaning", fix);
  });
  const ofCall = raw !== true && subsystem === syscallSubsystem;
  const isEntry = ofCall && event.startsWith(onEnter);
  if (namespaced && !isEntry) {
    const fix = `hook system calls, or subsystem ${syscallSubsystem}, event ${onEnter}NAME, or use the kind without Namespaced`;
    report.invalid(at, `${subsystem}/${event} is not for policies of one namespace`, fix);
  }
  const entry = lowerEntry(report, spec, {
    ...{ at, source: ofCall ? "system call" : "tracepoint", namespaced, noOverride },
    ...(raw === true ? {} : { hasFormat: true, indexes: isEntry ? ofSyscall : ofFields }),
  });
  const isNamed = checkNames(report, spec, at) && (!ofCall || checkSyscall(report, event, at));
  const kind = raw === true ? "rawTracepoint" : "tracepoint";
  return isNamed ? [{ on: { kind, subsystem, event }, ...entry }] : [];
}

function checkNames(report: Report, { subsystem, event }: Named, at: string): boolean {
  const before = report.problems.length;
  for (const [field, name, example] of [
    ["subsystem", subsystem, "sched"],
    ["event", event, "sched_process_exec"],
  ] as const) {
    if (/^[A-Za-z0-9_-]+$/.test(name)) continue;
    const fix = `write one of /sys/kernel/tracing/events, such as ${example}`;
    report.invalid(`${at}.${field}`, name === "" ? "is empty" : `is ${quote(name)}`, fix);
  }
  const unsafe = whyUnsafeEvent(event);
  if (unsafe !== undefined) {
    report.invalid(`${at}.event`, `${event} ${unsafe}`, "hook what leads there");
  }
  return report.problems.length === before;
}

function checkSyscall(report: Report, event: string, at: string): boolean {
  const half = [onEnter, onExit].find((prefix) => event.startsWith(prefix));
  const call = half === undefined ? undefined : `sys_${event.slice(half.length)}`;
  if (call !== undefined && syscalls.has(call)) return true;
  const close = call && (syscallAliases[call] ?? suggest(call, [...syscalls]));
  const named = (name: string) => (half ?? onEnter) + name.slice("sys_".length);
  const fix = close
    ? `did you mean ${named(close)}?`
    : `write ${onEnter} or ${onExit} and a system call: ${onEnter}openat`;
  report.invalid(`${at}.event`, `no system call has ${quote(event)}`, fix);
  return false;
}
