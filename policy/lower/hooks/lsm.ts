import { hashingHooks } from "../../actions/post.ts";
import type { HookPointOf } from "../../hook-point.ts";
import type { TracingPolicySpec } from "../../schema/tracing-policy.ts";
import type { Hook } from "../../selector-set.ts";
import { quote, suggest } from "../../suggest.ts";
import { namespacedFunctions, parametersOf } from "../namespaced-functions.ts";
import { type Report, refuseOthers } from "../report.ts";
import { entryFields, lowerEntry } from "./entry.ts";
import type { HookKind, HookPlace } from "./kind.ts";

type LsmSpec = NonNullable<TracingPolicySpec["lsmhooks"]>[number];
type LsmPoint = HookPointOf<"lsm">;

/** What the kernel asks its security modules before it does something: any of them may refuse it. */
export const lsm = {
  policy: "TracingPolicy",
  section: "lsmhooks",
  lower,
  whyNoOverride: () => undefined,
  describe: ({ hook }) => hook,
} satisfies HookKind<LsmPoint>;

function lower(report: Report, spec: LsmSpec, { at, namespaced }: HookPlace): readonly Hook[] {
  refuseOthers(report, spec, { at, known: ["hook", ...entryFields] });
  spec.args?.forEach(({ returnCopy }, i) => {
    if (!returnCopy) return;
    const fix = "remove it: a hook is asked before the call has read anything";
    report.invalid(`${at}.args[${i}].returnCopy`, "has no meaning", fix);
  });
  const { hook } = spec;
  const parameters = namespaced ? parametersOf(securityFunction(hook)) : undefined;
  const entry = lowerEntry(report, spec, {
    ...{ at, source: "kernel function", parameters, namespaced, noOverride: undefined },
    hashes: hashingHooks.some((one) => one === hook),
  });
  const wrong = whyNotHook(hook) ?? (namespaced && parameters === undefined && whyNotTenants(hook));
  if (!wrong) return [{ on: { kind: "lsm", hook }, ...entry }];
  report.invalid(`${at}.hook`, wrong.what, wrong.fix);
  return [];
}

type Wrong = { readonly what: string; readonly fix: string };

function whyNotHook(hook: string): Wrong | undefined {
  const [prefix] = /^(security_|bpf_lsm_|lsm\/)/.exec(hook) ?? [];
  if (prefix !== undefined) {
    return { what: `is ${quote(hook)}`, fix: `write ${hook.slice(prefix.length)}` };
  }
  if (/^[a-z][a-z0-9_]*$/.test(hook)) return undefined;
  return { what: `is ${quote(hook)}`, fix: "write a hook such as file_open" };
}

function whyNotTenants(hook: string): Wrong {
  const hooks = namespacedFunctions.flatMap((name) => name.split("security_")[1] ?? []);
  const close = suggest(hook, hooks);
  const spelling = close === undefined ? "" : `did you mean ${close}? `;
  return {
    what: `${hook} is not for policies of one namespace`,
    fix: `${spelling}take one whose security_ function is in docs/reference/limits.md, or use the kind without Namespaced`,
  };
}

/** What asks the modules; it has the same parameters, but for few. `bprm_check_security` has its own name. */
function securityFunction(hook: string): string {
  return `security_${hook.replace(/_security$/, "")}`;
}
