import { functionOf, halfOf } from "./function.ts";
import type { AttachKind } from "./kind.ts";
import { byKprobe } from "./preempted.ts";

/** How a program on a kprobe is attached: its function is chosen then. */
export const onKprobe: Pick<AttachKind, "bind" | "attach"> = {
  bind() {},
  attach: (object, { symbol }) => object.attachKprobe("hook", symbol, { ret: false }),
};

/** Before a function, by a breakpoint. Nobody is preempted in it. */
export const kprobe: AttachKind = {
  name: "kprobe",
  object: "kprobe.bpf.o",
  sees: "entry",
  features: { kprobe: (kernel) => kernel.takesKprobes() },
  serve(hook, need, can) {
    if (need.overrides || halfOf(hook) !== "entry") return undefined;
    const target = functionOf(hook, need, can);
    if (target === undefined || "reason" in target) return target;
    return byKprobe(target, hook, need, can);
  },
  ...onKprobe,
};
