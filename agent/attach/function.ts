import type { Hook } from "@guardbee/policy";
import type { Refusal } from "../engine.ts";
import type { AttachAbilities, Need, Target } from "./kind.ts";

/** Whether a program runs before a function or when it has returned. */
export type Half = "entry" | "exit";

/** The half of a function that `hook` is for; undefined when it is not on a function. */
export function halfOf({ on, args }: Hook): Half | undefined {
  if (on.kind !== "kprobe") return undefined;
  return args.some((arg) => arg.returnCopy) ? "exit" : "entry";
}

/** The function that `hook` is on, or why it is not there; undefined when it is not on a function. */
export function functionOf(
  hook: Hook,
  { entry }: Need,
  can: AttachAbilities,
): Target | Refusal | undefined {
  const { on } = hook;
  if (on.kind !== "kprobe") return undefined;
  const symbol = entry?.symbol ?? (on.syscall ? can.syscallPrefix + on.call : on.call);
  if (can.hasFunction(symbol)) {
    return {
      ...{ site: `${halfOf(hook)} ${symbol}`, symbol },
      syscall: on.syscall && (entry?.registers ?? "own"),
      ...(entry && { entry: entry.number }),
      reported: { event: "process_kprobe", functionName: symbol },
    };
  }
  if (entry !== undefined) {
    return {
      reason: "KernelLacks",
      message: `${symbol}: calls of ${on.call} come this way, too, where this kernel can attach nothing; hook a security_ function`,
    };
  }
  return {
    reason: "HookNotFound",
    message: `${symbol}: this kernel has no such function; check the call's name and syscall`,
  };
}
