import type { Static } from "typebox";
import { capabilityNames, capabilityNumber } from "../capabilities.ts";
import type { Immutable } from "../schema/dsl.ts";
import type { matchBinary, matchCapability, matchPid } from "../schema/selector.ts";
import type { Condition } from "../selector-set.ts";
import { quote, suggestFrom } from "../suggest.ts";
import { canonicalNumbers, canonicalTexts } from "./canonical.ts";
import { checkPath } from "./path.ts";
import type { Report } from "./report.ts";

/** Conditions on the process that makes the call, as opposed to on the call's arguments. */
type MatchPid = Immutable<Static<typeof matchPid>>;
type MatchCapability = Immutable<Static<typeof matchCapability>>;
type MatchBinary = Partial<Immutable<Static<typeof matchBinary>>>;

export function lowerPid(report: Report, match: MatchPid, at: string): Condition {
  if (match.values.length === 0) report.invalid(`${at}.values`, "is empty", "list process ids");
  match.values.forEach((value, i) => {
    if (value < 0) report.invalid(`${at}.values[${i}]`, `is ${value}`, "process ids start at 0");
  });
  const inNamespace = match.isNamespacePID === true;
  checkPids(report, match, at);
  return {
    by: "pid",
    op: match.operator,
    values: canonicalNumbers(match.values),
    inNamespace,
    // No process of a namespace has the pid 0 in it, so both ways of writing that are one set.
    followForks: match.followForks === true && !(inNamespace && match.values.every(isZero)),
  };
}

/** PID_MAX_LIMIT. */
const maxPid = 2 ** 22;

function checkPids(report: Report, match: MatchPid, at: string): void {
  match.values.forEach((value, i) => {
    if (value <= maxPid) return;
    report.warn(`${at}.values[${i}]`, `is ${value}, which is no process`, `at most ${maxPid}`);
  });
}

function isZero(value: number): boolean {
  return value === 0;
}

/** What isNamespaceCapability true and false mean differs between the policy kinds. */
export type UserNamespaces = Readonly<Record<"true" | "false", "any" | "host" | "nested">>;

export function lowerCapability(
  report: Report,
  match: MatchCapability,
  place: { readonly at: string; readonly userNamespaces: UserNamespaces },
): Condition {
  const { at, userNamespaces } = place;
  if (match.values.length === 0) {
    report.invalid(`${at}.values`, "is empty", "list capabilities such as CAP_SYS_ADMIN");
  }
  const numbers = match.values.map((name, i) => {
    const number = capabilityNumber(name);
    if (number === undefined) {
      const fix = suggestFrom(withCap(name), capabilityNames);
      report.invalid(`${at}.values[${i}]`, `is ${quote(name)}`, fix);
    }
    return number ?? 0;
  });
  return {
    by: "capability",
    op: match.operator,
    set: (match.type ?? "Effective").toLowerCase() as "effective" | "inheritable" | "permitted",
    values: canonicalNumbers(numbers),
    userNamespace: userNamespaces[match.isNamespaceCapability === true ? "true" : "false"],
  };
}

/** `SYS_ADMIN` is how capabilities are called in a pod's securityContext. */
function withCap(name: string): string {
  return /^cap_/i.test(name) ? name : `CAP_${name}`;
}

export function lowerBinary(report: Report, match: MatchBinary, at: string): Condition | undefined {
  const { operator = "In", values = [], followChildren } = match;
  if (followChildren === true) {
    const fix = "remove it, or list the children's binaries too";
    report.unsupported(`${at}.followChildren`, "true is not supported yet", fix);
  }
  if (values.length === 0) {
    report.invalid(`${at}.values`, "is empty", "list paths such as /usr/bin/curl");
  }
  values.forEach((value, i) => {
    const whole = operator === "In" || operator === "NotIn";
    checkPath(report, value, { at: `${at}.values[${i}]`, whole });
  });
  if (operator === "Postfix" || operator === "NotPostfix") {
    const fix = "this version takes In, NotIn, Prefix, NotPrefix";
    report.unsupported(`${at}.operator`, `${operator} is not supported yet`, fix);
    return undefined;
  }
  return { by: "binary", op: operator, values: canonicalTexts(values) };
}
