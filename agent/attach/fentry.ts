import { functionOf, halfOf } from "./function.ts";
import type { AttachKind } from "./kind.ts";
import { maySkip } from "./preempted.ts";
import { onTrampoline, trampolines } from "./trampoline.ts";

/** Before a function, where the kernel has trampolines: the cheapest way. */
export const fentry: AttachKind = {
  name: "fentry",
  object: "fentry.bpf.o",
  sees: "entry",
  features: trampolines,
  serve(hook, need, can) {
    if (need.overrides || halfOf(hook) !== "entry" || can.features.fentry !== true) {
      return undefined;
    }
    if (maySkip(need, can)) return undefined;
    return functionOf(hook, need, can);
  },
  ...onTrampoline,
};
