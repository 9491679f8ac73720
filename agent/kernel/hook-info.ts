import type { Arg, PolicyRef } from "@guardbee/policy";

/** What the events of a hook say beside what the kernel reports: built once for a program. */
export type HookInfo = {
  readonly policy: PolicyRef;
  /** The resolved symbol: `fd_install`, `__x64_sys_write`. */
  readonly functionName: string;
  /** As the policy has them; labels come from here. */
  readonly args: readonly Arg[];
  readonly message?: string;
  readonly tags?: readonly string[];
};

/** The hook of a number in a hook event, or undefined when it is gone. */
export type HookLookup = (hook: number) => HookInfo | undefined;
