import type { TracingPolicySpec } from "../schema/tracing-policy.ts";
import { quote, suggest } from "../suggest.ts";
import { whyNotPattern } from "./pattern.ts";
import type { Report } from "./report.ts";

/** What `call: list:NAME` stands for. */
export type List =
  /** Each as `call` would have it; `syscall`: they are system calls. */
  | { readonly kind: "calls"; readonly calls: readonly string[]; readonly syscall: boolean }
  | { readonly kind: "all-syscalls" }
  | { readonly kind: "functions"; readonly pattern: string };

/** Of a policy, by name; undefined: one that was refused. */
export type Lists = ReadonlyMap<string, List | undefined>;

type ListSpec = NonNullable<TracingPolicySpec["lists"]>[number];

/** The lists of a policy; what is wrong with one is reported here, once. */
export function lowerLists(report: Report, specs: readonly ListSpec[], at: string): Lists {
  const lists = new Map<string, List | undefined>();
  for (const [i, spec] of specs.entries()) {
    const place = `${at}[${i}]`;
    if (lists.has(spec.name)) {
      const what = `is ${quote(spec.name)}, as of another list`;
      report.invalid(`${place}.name`, what, "give each list its own");
    }
    lists.set(spec.name, lowerList(report, spec, place));
  }
  return lists;
}

function lowerList(report: Report, spec: ListSpec, at: string): List | undefined {
  const { type, values = [], pattern = "" } = spec;
  const isGenerated = type === "generated_syscalls" || type === "generated_ftrace";
  if (isGenerated && values.length > 0) {
    const fix = "remove them, or the type";
    report.invalid(`${at}.values`, `has ${values.length} entries, and ${type} makes its own`, fix);
    return undefined;
  }
  if (!isGenerated && values.length === 0) {
    report.invalid(`${at}.values`, "is empty", "list what to hook, such as sys_openat");
    return undefined;
  }
  if (type !== "generated_ftrace" && pattern !== "") {
    const fix = "remove it, or write type generated_ftrace";
    report.invalid(`${at}.pattern`, "has no meaning", fix);
  }
  switch (type) {
    case "generated_syscalls":
      return { kind: "all-syscalls" };
    case "generated_ftrace":
      return lowerPattern(report, pattern, `${at}.pattern`);
    case "syscalls":
      return { kind: "calls", calls: values, syscall: true };
    case undefined:
      return { kind: "calls", calls: values, syscall: false };
  }
}

function lowerPattern(report: Report, pattern: string, at: string): List | undefined {
  const wrong = whyNotPattern(pattern);
  if (wrong === undefined) return { kind: "functions", pattern };
  report.invalid(at, wrong.what, wrong.fix);
  return undefined;
}

/** The list that `call: list:NAME` names; undefined, and reported, when there is none. */
export function findList(
  report: Report,
  lists: Lists,
  { call, at }: { readonly call: string; readonly at: string },
): List | undefined {
  const name = call.slice(listPrefix.length);
  if (!lists.has(name)) {
    const close = suggest(name, [...lists.keys()]);
    const fix = close === undefined ? `add it to spec.lists` : `did you mean list:${close}?`;
    report.invalid(`${at}.call`, `no list is named ${quote(name)}`, fix);
  }
  return lists.get(name);
}

export const listPrefix = "list:";
