import { argOperator } from "../args/index.ts";
import type { OwnArgOperator } from "../args/kind.ts";
import { unknownDigest } from "../args/linux_binprm.ts";
import { capabilityNames, capabilityNumber } from "../capabilities.ts";
import { canonicalConditions } from "../conditions/index.ts";
import { asksDigest } from "../digest.ts";
import type { ExecRuleSpec } from "../schema/exec-policy.ts";
import type { Condition, Scope } from "../selector-set.ts";
import { quote, suggestFrom } from "../suggest.ts";
import { canonicalDecimals, canonicalNumbers, canonicalTexts } from "./canonical.ts";
import { checkPath } from "./path.ts";
import type { Report } from "./report.ts";
import { lowerScope } from "./scope.ts";

type PathOperator = "Equal" | "Prefix" | Extract<OwnArgOperator, "Glob">;

/** What a rule says: of `paths` one holds, where there are any, and all `conditions`. */
export type LoweredRule = {
  readonly paths: readonly { readonly op: PathOperator; readonly value: string }[];
  readonly conditions: readonly Condition[];
  readonly workloads?: Scope;
};

/** One of rules.allow or rules.deny: what it says of programs, of interpreters and of scripts. */
export function lowerExecRule(
  report: Report,
  rule: ExecRuleSpec,
  at: string,
): readonly LoweredRule[] {
  const { action: _, ...given } = rule;
  const fields = Object.entries(given);
  if (fields.length === 0) {
    const fix = "write what it is for, such as paths or fromImage: true";
    report.invalid(at, "is empty", fix);
  }
  for (const [name, value] of fields) {
    if (!Array.isArray(value) || value.length > 0) continue;
    report.invalid(`${at}.${name}`, "is empty, so that the rule is for no program", "remove it");
  }
  if (rule.arguments !== undefined) {
    const what = "cannot be told for sure before the program runs";
    const fix =
      "remove the rule; interpreters, scripts, digests or parents may say what it is to say (docs/decisions/0019)";
    report.unsupported(`${at}.arguments`, what, fix);
  }
  const workloads = lowerContainers(report, rule, at);
  const conditions = conditionsOf(report, rule, at);
  const alternatives = [
    ...ofPrograms(rule, lowerPaths(report, rule, at)),
    ...ofInterpreters(report, rule, at),
    ...ofScripts(report, rule, at),
  ];
  return alternatives.map(({ paths, conditions: own }) => ({
    paths,
    conditions: canonicalConditions([...conditions, ...own]),
    ...(workloads && { workloads }),
  }));
}

function ofPrograms(
  { interpreters, scripts }: ExecRuleSpec,
  paths: LoweredRule["paths"],
): readonly LoweredRule[] {
  const isForOthers = interpreters !== undefined || scripts !== undefined;
  return paths.length === 0 && isForOthers ? [] : [{ paths, conditions: [] }];
}

function ofInterpreters(
  report: Report,
  { interpreters = [] }: ExecRuleSpec,
  at: string,
): readonly LoweredRule[] {
  if (interpreters.length === 0) return [];
  checkPaths(report, interpreters, { at: `${at}.interpreters`, part: "whole" });
  const paths = interpreters.map((value) => ({ op: "Equal" as const, value }));
  return [{ paths, conditions: [execCondition("Interpreter", ["1"])] }];
}

function ofScripts(
  report: Report,
  { scripts, fromImage }: ExecRuleSpec,
  at: string,
): readonly LoweredRule[] {
  if (scripts === undefined) return [];
  const isOfImage = scripts === "fromImage" && fromImage === undefined;
  if (scripts === "fromImage" && fromImage === false) {
    const what = "is fromImage beside fromImage: false, so that it is for no script";
    report.invalid(`${at}.scripts`, what, "write any, or remove one of them");
  }
  const ofImage = isOfImage ? [execCondition("FromImage", ["1"])] : [];
  return [{ paths: [], conditions: [...ofImage, execCondition("Script", ["1"])] }];
}

function lowerPaths(report: Report, rule: ExecRuleSpec, at: string): LoweredRule["paths"] {
  const { paths = [], pathPrefixes = [], pathGlobs = [] } = rule;
  checkPaths(report, paths, { at: `${at}.paths`, part: "whole" });
  checkPaths(report, pathPrefixes, { at: `${at}.pathPrefixes`, part: "beginning" });
  for (const [i, value] of pathPrefixes.entries()) {
    if (value.endsWith("/") || value === "") continue;
    const fix = `a folder is ${quote(`${value}/`)}`;
    report.warn(`${at}.pathPrefixes[${i}]`, `is ${quote(value)}, and is met by ${value}x`, fix);
  }
  argOperator("linux_binprm", "Glob")!.parse(report, pathGlobs, {
    ...{ at: `${at}.pathGlobs`, type: "linux_binprm" },
  });
  return [
    ...paths.map((value) => ({ op: "Equal" as const, value })),
    ...pathPrefixes.map((value) => ({ op: "Prefix" as const, value })),
    ...pathGlobs.map(simplest),
  ];
}

function checkPaths(
  report: Report,
  paths: readonly string[],
  { at, part }: { readonly at: string; readonly part: "whole" | "beginning" },
): void {
  for (const [i, value] of paths.entries()) checkPath(report, value, { at: `${at}[${i}]`, part });
}

/** The cheapest comparison that is the same. */
function simplest(pattern: string): LoweredRule["paths"][number] {
  if (!pattern.includes("*")) return { op: "Equal", value: pattern };
  const folder = /^([^*]*)\*\*$/.exec(pattern)?.[1];
  return folder === undefined ? { op: "Glob", value: pattern } : { op: "Prefix", value: folder };
}

function conditionsOf(report: Report, rule: ExecRuleSpec, at: string): readonly Condition[] {
  const { users, groups, fromImage, interactive, capabilities, parents, digests } = rule;
  const ids = (of: readonly number[]) => canonicalDecimals(of.map(BigInt));
  if (parents !== undefined) checkPaths(report, parents, { at: `${at}.parents`, part: "whole" });
  return [
    ...(users ? [execCondition("User", ids(users))] : []),
    ...(groups ? [execCondition("Group", ids(groups))] : []),
    ...(digests ? [lowerFileDigests(report, digests, `${at}.digests`)] : []),
    ...(fromImage === undefined ? [] : [execCondition("FromImage", [fromImage ? "1" : "0"])]),
    ...(interactive === undefined ? [] : [execCondition("Interactive", [interactive ? "1" : "0"])]),
    ...(parents ? [{ by: "binary", op: "In", values: canonicalTexts(parents) } as const] : []),
    ...(capabilities ? [lowerCapabilities(report, capabilities, `${at}.capabilities`)] : []),
  ];
}

/** What is asked of the exec itself, the one argument of its hook. */
export function execCondition(op: OwnArgOperator, values: readonly string[]): Condition {
  return { by: "arg", arg: 0, op, values };
}

function lowerFileDigests(report: Report, digests: readonly string[], at: string): Condition {
  const values = digests.map((text, i) => {
    const hex = /^sha256:([0-9a-fA-F]{64})$/.exec(text)?.[1];
    if (hex === undefined) {
      const fix = "write sha256: and the 64 hexadecimal digits that sha256sum says";
      report.invalid(`${at}[${i}]`, `is ${quote(text)}`, fix);
    }
    return (hex ?? "").toLowerCase();
  });
  return execCondition("Digest", canonicalTexts(values));
}

/** What a rule says that asks for digests, of files of which the digest is not known; undefined: it asks for none. */
export function ofUnknownDigest(rule: LoweredRule): LoweredRule | undefined {
  const { conditions } = rule;
  if (!asksDigest(conditions)) return undefined;
  const unknown = execCondition("Digest", [unknownDigest]);
  return {
    ...rule,
    conditions: conditions.map((one) => (asksDigest([one]) ? unknown : one)),
  };
}

function lowerCapabilities(report: Report, names: readonly string[], at: string): Condition {
  const numbers = names.map((name, i) => {
    const number = capabilityNumber(name);
    if (number === undefined) {
      report.invalid(`${at}[${i}]`, `is ${quote(name)}`, suggestFrom(name, capabilityNames));
    }
    return number ?? 0;
  });
  const values = canonicalNumbers(numbers);
  return { by: "capability", op: "In", set: "effective", values, userNamespace: "host" };
}

/** Where the rule holds; undefined: wherever the policy does. */
function lowerContainers(report: Report, rule: ExecRuleSpec, at: string): Scope | undefined {
  const { containers: values } = rule;
  if (values === undefined || values.length === 0) return undefined;
  for (const [i, name] of values.entries()) {
    if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) continue;
    const fix = "write a container's name, of a-z, 0-9 and -";
    report.invalid(`${at}.containers[${i}]`, `is ${quote(name)}`, fix);
  }
  const containerSelector = {
    matchExpressions: [{ key: "name", operator: "In" as const, values }],
  };
  return lowerScope(report, { containerSelector }, { namespace: undefined, at });
}
