import type { Hook } from "@guardbee/policy";
import type { Refusal } from "../engine.ts";
import { type AttachAbilities, type Need, notYetKnown, type Target } from "./kind.ts";

/** Whether a program on a trampoline may miss a call that `need` says it must see. */
export function maySkip(need: Need, can: AttachAbilities): boolean {
  return need.everyCall && can.preempts;
}

/** Why no program can be relied on for calls that `need` says must be seen; undefined: some can. */
export function noneSees(need: Need, can: AttachAbilities): Refusal | undefined {
  if (!maySkip(need, can) || !can.hidesProcesses) return undefined;
  return {
    reason: "KernelLacks",
    message:
      "this kernel preempts tasks inside of a program, and may then keep from others which process they decide about (before Linux 6.2); boot it with preempt=voluntary",
  };
}

/**
 * `target` by a kprobe, or why that may miss calls, too, or not do all that `hook` asks. Where programs
 * on trampolines may be skipped, what must not shares no program with what is served by those.
 */
export function byKprobe(
  target: Target,
  hook: Hook,
  need: Need,
  can: AttachAbilities,
): Target | Refusal {
  if (!maySkip(need, can)) return target;
  const { symbol } = target;
  const { kprobe: able } = can.features;
  if (typeof able === "string") return notYetKnown(symbol, able);
  if (able !== true) return skips(symbol, kprobes);
  if (can.unprivilegedBpf) {
    return skips(symbol, othersMakeMaps);
  }
  if (hook.returned !== undefined) return skips(symbol, withoutReturn);
  return { ...target, site: `kprobe ${symbol}` };
}

/** What keeps programs on kprobes and perf events from running. */
export const othersMakeMaps =
  "that nobody else makes BPF maps (sysctl kernel.unprivileged_bpf_disabled=1)";

/** Events wait for what calls return by the stack of the trampoline. */
export const withoutReturn = "that return and returnArg are dropped";

const kprobes =
  "kprobes, which it does not give (CONFIG_FPROBE; or CONFIG_KPROBE_EVENTS and sysctl kernel.perf_event_paranoid=2)";

/** The refusal of a set where seeing every call needs what this kernel has not. */
export function skips(symbol: string, needs: string): Refusal {
  return {
    reason: "KernelLacks",
    message: `${symbol}: this kernel preempts tasks inside of a program, and then skips it for others; to see every call nevertheless takes ${needs}; or boot it with preempt=voluntary, where it has that`,
  };
}
