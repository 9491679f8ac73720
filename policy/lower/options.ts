import type { Policy } from "../parse-object.ts";
import type { TracingPolicySpec } from "../schema/tracing-policy.ts";
import type { Mode } from "../selector-set.ts";
import { quote, suggestFrom } from "../suggest.ts";
import type { Report } from "./report.ts";

const knownOptions = [
  ...["policy-mode", "disable-kprobe-multi", "disable-uprobe-multi"],
  ...["override-method", "sleepable-preload-size"],
] as const;

/** Go's strconv.ParseBool. */
const booleans = ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"];

/**
 * `spec.options`; only the mode is left of them. Upstream ignores names it does not know; here
 * they are errors, since a misspelt policy-mode would otherwise enforce where it should monitor.
 */
export function lowerOptions(report: Report, options: TracingPolicySpec["options"]): Mode {
  let mode: Mode = "enforce";
  const seen = new Set<string>();
  for (const [i, { name, value = "" }] of (options ?? []).entries()) {
    const at = `spec.options[${i}]`;
    if (seen.has(name)) report.invalid(`${at}.name`, `${quote(name)} is given twice`, "keep one");
    seen.add(name);
    switch (name) {
      case "policy-mode":
        if (value === "enforce" || value === "monitor") mode = value;
        else report.invalid(`${at}.value`, `is ${quote(value)}`, "allowed: enforce, monitor");
        break;
      // How upstream attaches; the agent chooses that here by what the kernel can do, and the
      // meaning is the same either way.
      case "disable-kprobe-multi":
      case "disable-uprobe-multi":
        if (!booleans.includes(value)) {
          report.invalid(`${at}.value`, `is ${quote(value)}`, "allowed: true, false");
        }
        break;
      case "override-method":
      case "sleepable-preload-size":
        report.unsupported(`${at}.name`, `${name} is not supported yet`, "remove this option");
        break;
      default:
        report.invalid(`${at}.name`, `is ${quote(name)}`, suggestFrom(name, knownOptions));
    }
  }
  return mode;
}

/** The mode that a policy asks for, also one that is not lowered; `enforce` where it names none. */
export function requestedMode({ kind, spec }: Policy): Mode {
  switch (kind) {
    case "ExecPolicy":
    case "ExecPolicyNamespaced":
      return spec.mode ?? "enforce";
    case "TracingPolicy":
    case "TracingPolicyNamespaced":
      return spec.options?.find(({ name }) => name === "policy-mode")?.value === "monitor"
        ? "monitor"
        : "enforce";
  }
}
