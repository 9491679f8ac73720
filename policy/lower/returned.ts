import type { Static } from "typebox";
import { type ArgType, argKind } from "../args/index.ts";
import { lowerComparison, type MatchArg } from "../conditions/arg.ts";
import {
  isComparedType,
  isReturnedType,
  type Returned,
  type ReturnedCondition,
  returnedActions,
  returnedTypes,
} from "../returned.ts";
import type { arg as argSchema } from "../schema/arg.ts";
import type { Immutable } from "../schema/dsl.ts";
import type { KprobeSpec } from "../schema/tracing-policy.ts";
import { quote } from "../suggest.ts";
import { typeNamed } from "./args.ts";
import { canonicalJson } from "./canonical.ts";
import { type Report, refuseOthers } from "./report.ts";

type ReturnsSpec = Pick<
  KprobeSpec,
  "call" | "return" | "returnArg" | "returnArgAction" | "syscall"
>;
type ArgSpec = Immutable<Static<typeof argSchema>>;

/** Functions that do not come back to their caller. */
const endless =
  /^(sys_exit|sys_exit_group|do_exit|do_group_exit|make_task_dead|kthread_exit|panic|cpu_startup_entry|do_task_dead)$/;

type ReturnPlace = { readonly at: string; readonly namespaced: boolean };

/** How what a kprobe's calls return is read; undefined: it is not, or that was refused. */
export function lowerReturned(
  report: Report,
  spec: ReturnsSpec,
  { at, namespaced }: ReturnPlace,
): Returned | undefined {
  const { returnArg } = spec;
  if (spec.return !== true) {
    const fix = "add return: true, or remove it";
    if (returnArg !== undefined) report.warn(`${at}.returnArg`, "is not read", fix);
    if (spec.returnArgAction) {
      report.invalid(`${at}.returnArgAction`, "acts on what the hook does not read", fix);
    }
    return undefined;
  }
  if (endless.test(spec.call)) {
    const fix = "remove return and returnArg: it would never be reported";
    report.invalid(`${at}.return`, `is true, but ${spec.call} does not return`, fix);
  }
  if (returnArg === undefined) {
    const fix = "add it: how to read what the call returns, such as {index: 0, type: int}";
    report.invalid(`${at}.returnArg`, "is missing", fix);
    return undefined;
  }
  const type = lowerType(report, returnArg, `${at}.returnArg`);
  if (type === undefined) return undefined;
  const isFunction = namespaced && spec.syscall === false;
  if (isFunction && !argKind(type).parameters.includes("int")) {
    const what = `${returnArg.type} is wider than what a function returns in a policy of one namespace`;
    report.invalid(`${at}.returnArg.type`, what, "write int");
  }
  const action = lowerAction(report, spec, { at, namespaced });
  return {
    type,
    ...(returnArg.label ? { label: returnArg.label } : {}),
    ...(action === undefined ? {} : { action }),
  };
}

/** What is done with a socket that is returned: upstream takes its name in any case. */
function lowerAction(
  report: Report,
  { returnArgAction: name, syscall }: ReturnsSpec,
  { at, namespaced }: ReturnPlace,
): Returned["action"] {
  if (!name) return undefined;
  const place = `${at}.returnArgAction`;
  const action = returnedActions.find((one) => one.toLowerCase() === name.toLowerCase());
  if (action === undefined) {
    const fix = `allowed: ${returnedActions.join(", ")}`;
    report.invalid(place, `is ${quote(name)}`, fix);
  } else if (namespaced) {
    const what = `${action} is not for policies of one namespace`;
    report.invalid(place, what, "use the kind without Namespaced");
  } else if (syscall !== false) {
    const fix = "hook the kernel function that returns the socket, with syscall: false";
    report.invalid(place, `is ${action}, but a system call returns no socket`, fix);
  }
  return action;
}

function lowerType(report: Report, spec: ArgSpec, at: string): ArgType | undefined {
  refuseOthers(report, spec, { at, known: ["index", "type", "label"] });
  const type = typeNamed(spec.type);
  if (type !== undefined && isReturnedType(type)) return type;
  const fix = `this version reads ${returnedTypes().join(", ")} of what a call returns`;
  report.unsupported(`${at}.type`, `${spec.type} is not supported yet`, fix);
  return undefined;
}

/** A selector's matchReturnArgs, sorted, each once; what was refused is left out. */
export function lowerReturnedConditions(
  report: Report,
  matches: readonly MatchArg[],
  { at, returned }: { readonly at: string; readonly returned: Returned | undefined },
): readonly ReturnedCondition[] {
  if (matches.length === 0) return [];
  if (returned === undefined) {
    const fix = "add return: true and returnArg to the hook, or remove it";
    report.invalid(at, "compares what the hook does not read", fix);
    return [];
  }
  if (!isComparedType(returned.type)) {
    const fix = "remove it: what returned as a socket is compared with nothing";
    report.unsupported(at, `compares a ${returned.type}`, fix);
    return [];
  }
  const all = matches.flatMap((match, i) => {
    const place = { at: `${at}[${i}]`, type: returned.type };
    if ((match.args ?? []).length > 0) {
      const fix = "remove it: a call returns one value";
      report.unsupported(`${place.at}.args`, "names positions in args", fix);
    }
    return lowerComparison(report, match, place) ?? [];
  });
  const byText = new Map(all.map((one) => [canonicalJson(one), one]));
  return [...byText.keys()].sort().map((key) => byText.get(key)!);
}
