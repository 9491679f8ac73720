import type { Arg, PolicyRef } from "@guardbee/policy";
import type { PlannedHook } from "../compile/plan.ts";
import type { KernelEngine } from "../kernel/kernel-engine.ts";

/** What the agent knows about a hook that it programmed into the kernel. */
export type HookInfo = {
  readonly policy: PolicyRef;
  /** The resolved symbol: `fd_install`, `__x64_sys_write`. */
  readonly functionName: string;
  /** As the policy has them; labels come from here. */
  readonly args: readonly Arg[];
  readonly message?: string;
  readonly tags?: readonly string[];
};

/**
 * The hook of a number in a hook event, or undefined when it is gone. The same object each time:
 * what events of a hook have in common is serialised once for each object.
 */
export type HookLookup = (hook: number) => HookInfo | undefined;

/** Names of hooks from the engine that programmed them. */
export function hookLookup(hookOf: KernelEngine["hookOf"]): HookLookup {
  const infos = new WeakMap<PlannedHook, HookInfo>();
  return (number) => {
    const found = hookOf(number);
    if (found === undefined) return undefined;
    const { hook: planned, point } = found;
    const known = infos.get(planned);
    if (known !== undefined) return known;
    const { args, message, tags } = planned.hook;
    const info: HookInfo = {
      policy: planned.set.set.policy,
      functionName: point.symbol,
      args,
      ...(message === undefined ? {} : { message }),
      ...(tags === undefined ? {} : { tags }),
    };
    infos.set(planned, info);
    return info;
  };
}
