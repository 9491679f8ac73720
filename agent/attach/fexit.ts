import { functionOf, halfOf } from "./function.ts";
import { type AttachKind, notYetKnown } from "./kind.ts";
import { maySkip, skips } from "./preempted.ts";
import { onTrampoline, trampolines } from "./trampoline.ts";

/** When a function has returned, with what it was called with. */
export const fexit: AttachKind = {
  name: "fexit",
  object: "fexit.bpf.o",
  sees: "exit",
  features: trampolines,
  serve(hook, need, can) {
    if (halfOf(hook) !== "exit") return undefined;
    const target = functionOf(hook, need, can);
    if (target === undefined || "reason" in target) return target;
    const { symbol } = target;
    if (need.stops) {
      return {
        reason: "KernelLacks",
        message: `${symbol}: returnCopy reads when the call has run, too late for an action that stops it; drop returnCopy or the action`,
      };
    }
    if (maySkip(need, can)) return skips(symbol, "that returnCopy is dropped");
    const { fentry: able } = can.features;
    if (able === true) return target;
    if (typeof able === "string") return notYetKnown(symbol, able);
    return {
      reason: "KernelLacks",
      message: `${symbol}: returnCopy needs BPF trampolines (CONFIG_DEBUG_INFO_BTF, kernel 5.5); drop returnCopy`,
    };
  },
  ...onTrampoline,
};
