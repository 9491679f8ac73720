import type { KprobeSpec, TracingPolicy, TracingPolicySpec } from "../schema/tracing-policy.ts";
import type { Hook, PolicyRef } from "../selector-set.ts";
import { lowerArgs } from "./args.ts";
import { type CallPlace, lowerCall, whyNoOverride } from "./call.ts";
import { checkActions } from "./check-actions.ts";
import { lowerLabelSelector, nodeLabels } from "./label-selector.ts";
import { maxMessageBytes, maxTagBytes } from "./limits.ts";
import { type Lowered, lowered } from "./lowered.ts";
import { parametersOf } from "./namespaced-functions.ts";
import { lowerOptions } from "./options.ts";
import { createReport, type Report, refuseOthers } from "./report.ts";
import { lowerScope } from "./scope.ts";
import { lowerSelector } from "./selector.ts";

/** TracingPolicy or TracingPolicyNamespaced as a SelectorSet. */
export function lowerTracingPolicy(policy: TracingPolicy, ref: PolicyRef): Lowered {
  const { spec } = policy;
  const report = createReport();
  refuseOthers(report, spec, { at: "spec", known: supportedSections });
  checkHookSections(report, spec);
  const scope = lowerScope(report, spec, ref.namespace);
  const mode = lowerOptions(report, spec.options);
  const nodes = lowerLabelSelector(report, spec.nodeSelector, {
    at: "spec.nodeSelector",
    keys: nodeLabels,
  });
  const namespaced = ref.namespace !== undefined;
  const hooks = (spec.kprobes ?? []).map((kprobe, i) =>
    lowerKprobe(report, kprobe, { at: `spec.kprobes[${i}]`, namespaced }),
  );
  if (report.problems.length === 0) checkActions(report, hooks.filter(isDefined));
  return lowered(report, () => ({
    policy: ref,
    mode,
    ...(nodes === undefined ? {} : { nodes }),
    scope,
    hooks: hooks.filter(isDefined),
  }));
}

const supportedSections = [
  ...["kprobes", "options", "nodeSelector"],
  ...["podSelector", "containerSelector", "hostSelector"],
];
const hookSections = [
  ...(["kprobes", "fentries", "tracepoints", "lsmhooks", "uprobes", "usdts"] as const),
] as const;

function checkHookSections(report: Report, spec: TracingPolicySpec): void {
  const used = hookSections.filter((section) => (spec[section] ?? []).length > 0);
  if (used.length > 1) {
    const fix = "write a policy for each: one policy has hooks of one kind";
    report.invalid("spec", `has ${used.join(" and ")}`, fix);
  }
  if (used.length > 0 || spec.loader === true) return;
  const field = spec.kprobes === undefined ? "spec" : "spec.kprobes";
  report.invalid(field, "is empty: there is nothing to hook", "add an entry to kprobes");
}

/** Undefined when what it hooks was refused, which is reported. */
function lowerKprobe(report: Report, spec: KprobeSpec, place: CallPlace): Hook | undefined {
  const { at } = place;
  const known = ["args", "call", "ignore", "message", "selectors", "syscall", "tags"];
  refuseOthers(report, spec, { at, known });
  if (spec.ignore?.callNotFound === true) {
    const fix = "remove it: a node without this function then says so in the status";
    report.unsupported(`${at}.ignore.callNotFound`, "is not supported yet", fix);
  }
  const on = lowerCall(report, spec, place);
  const syscall = spec.syscall !== false;
  const table = lowerArgs(report, spec.args ?? [], {
    at: `${at}.args`,
    source: syscall ? "system call" : "kernel function",
    parameters: place.namespaced && !syscall ? parametersOf(spec.call) : undefined,
  });
  const noOverride = whyNoOverride(on);
  const selectors = (spec.selectors ?? []).map((selector, j) =>
    lowerSelector(report, selector, { at: `${at}.selectors[${j}]`, table, noOverride }),
  );
  const described = lowerDescription(report, spec, at);
  return on === undefined ? undefined : { on, args: table.args, selectors, ...described };
}

function lowerDescription(
  report: Report,
  spec: { readonly message?: string; readonly tags?: readonly string[] },
  at: string,
): Pick<Hook, "message" | "tags"> {
  const { message = "", tags = [] } = spec;
  const fix = "write at least 2 characters";
  if (message.length === 1) report.invalid(`${at}.message`, "has one character", fix);
  warnOfCut(report, message, { at: `${at}.message`, bytes: maxMessageBytes });
  tags.forEach((tag, i) => {
    warnOfCut(report, tag, { at: `${at}.tags[${i}]`, bytes: maxTagBytes });
    if (tag.length < 2) report.invalid(`${at}.tags[${i}]`, `has ${tag.length} characters`, fix);
  });
  return {
    ...(message === "" ? {} : { message: cut(message, maxMessageBytes) }),
    ...(tags.length === 0 ? {} : { tags: tags.map((tag) => cut(tag, maxTagBytes)) }),
  };
}

function warnOfCut(
  report: Report,
  text: string,
  { at, bytes }: { readonly at: string; readonly bytes: number },
): void {
  const length = Buffer.byteLength(text);
  if (length <= bytes) return;
  report.warn(at, `has ${length} bytes, and is cut`, `at most ${bytes} are in events`);
}

/** The longest beginning of `text` that fits `bytes` without splitting a character. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  return new TextDecoder().decode(Buffer.from(text).subarray(0, bytes), { stream: true });
}

function isDefined<T>(value: T | undefined): value is T {
  return value !== undefined;
}
