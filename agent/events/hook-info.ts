import type { Arg, PolicyRef } from "@guardbee/policy";

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
