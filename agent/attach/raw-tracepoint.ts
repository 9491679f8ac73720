import type { Hook } from "@guardbee/policy";
import type { Refusal } from "../engine.ts";
import { reportedEvent } from "./event-hook.ts";
import type { AttachKind } from "./kind.ts";
import { maySkip, skips } from "./preempted.ts";

/** At a tracepoint, with its own parameters. */
export const rawTracepoint: AttachKind = {
  name: "raw_tp",
  object: "raw_tracepoint.bpf.o",
  sees: "entry",
  features: {},
  serve(hook, need, can) {
    const { on } = hook;
    if (on.kind !== "rawTracepoint") return undefined;
    const { subsystem, event } = on;
    const types = can.typesOfTracepoint(event);
    if (types === undefined) {
      return {
        reason: "HookNotFound",
        message: `${subsystem}/${event}: this kernel has no such tracepoint, or has it in a module; check the event`,
      };
    }
    const index = beyond(hook, types.length);
    if (index !== undefined) {
      const what = `it has ${types.length} parameters here, and none with index ${index}`;
      return lacks(event, what);
    }
    // From Linux 7.0 on tasks are preempted here, too.
    if (maySkip(need, can))
      return skips(event, "a tracepoint that is not raw, or a hook on the function that it is in");
    return {
      ...{ site: `raw_tp ${event}`, symbol: event, syscall: false },
      reported: reportedEvent(on),
    };
  },
  bind() {}, // its tracepoint is chosen when it is attached
  attach: (object, { symbol }) => object.attachRawTracepoint("hook", symbol),
};

/** A parameter that `args` read and that is none of so many; undefined: all are there. */
function beyond({ args }: Hook, count: number): number | undefined {
  const read = args.flatMap(({ index, sizeArgIndex }) => [index, (sizeArgIndex ?? 1) - 1]);
  return read.find((index) => index >= count);
}

function lacks(event: string, why: string): Refusal {
  return { reason: "KernelLacks", message: `${event}: ${why}` };
}
