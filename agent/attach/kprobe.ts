import { functionOf, halfOf } from "./function.ts";
import type { AttachKind } from "./kind.ts";

/** Before a function, by a breakpoint. */
export const kprobe: AttachKind = {
  name: "kprobe",
  object: "kprobe.bpf.o",
  sees: "entry",
  features: { kprobe: (kernel) => kernel.exists("/sys/bus/event_source/devices/kprobe") },
  serve(hook, need, can) {
    return need.overrides || halfOf(hook) !== "entry" ? undefined : functionOf(hook, need, can);
  },
  bind() {}, // its function is chosen when it is attached
  attach: (object, { symbol }) => object.attachKprobe("hook", symbol, { ret: false }),
};
