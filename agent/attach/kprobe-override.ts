import { functionOf, halfOf } from "./function.ts";
import { type AttachKind, notYetKnown } from "./kind.ts";
import { onKprobe } from "./kprobe.ts";
import { byKprobe, maySkip, skips } from "./preempted.ts";

/**
 * Before a system call that it can keep from running, where fmod_ret might miss calls. The entries of
 * system calls are what kernels admit it for.
 */
export const kprobeOverride: AttachKind = {
  name: "kprobe_override",
  object: "kprobe_override.bpf.o",
  sees: "entry",
  features: {
    // The helper is there with the option that names it, or not at all.
    kprobe_override: (kernel) => kernel.hasFunction("bpf_override_return") && kernel.takesKprobes(),
  },
  serve(hook, need, can) {
    if (!need.overrides || halfOf(hook) !== "entry" || !maySkip(need, can)) return undefined;
    const target = functionOf(hook, need, can);
    if (target === undefined || "reason" in target) return target;
    if (target.syscall === false) return undefined;
    const { kprobe_override: able } = can.features;
    if (typeof able === "string") return notYetKnown(target.symbol, able);
    if (able !== true) return skips(target.symbol, errorInjection);
    return byKprobe(target, hook, need, can);
  },
  ...onKprobe,
};

const errorInjection =
  "for Override error injection, which it is built without (CONFIG_BPF_KPROBE_OVERRIDE): use Sigkill";
