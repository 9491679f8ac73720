import type { Refusal } from "../engine.ts";
import { reportedEvent } from "./event-hook.ts";
import type { AttachKind } from "./kind.ts";
import { notYetKnown } from "./kind.ts";
import { maySkip, othersMakeMaps, skips } from "./preempted.ts";

/** At a tracepoint, with the record that its readers are shown. Nobody is preempted in it. */
export const tracepoint: AttachKind = {
  name: "tracepoint",
  object: "tracepoint.bpf.o",
  sees: "entry",
  features: { perf_event: (kernel) => kernel.takesPerfEvents() },
  serve({ on }, need, can) {
    if (on.kind !== "tracepoint") return undefined;
    const { subsystem, event } = on;
    const symbol = `${subsystem}:${event}`;
    const format = can.eventFormat(subsystem, event);
    if (format === undefined) throw new Error(`${symbol}: has no format`); // servedHook has seen one
    const { perf_event: able } = can.features;
    if (typeof able === "string") return notYetKnown(symbol, able);
    if (able !== true) {
      return lacks(
        symbol,
        "needs a perf event, which this kernel keeps from the agent (sysctl kernel.perf_event_paranoid=2 gives it); write raw: true, or hook the function that it is in",
      );
    }
    if (need.stops && subsystem === "syscalls" && can.entriesOf(asCall(event)).length > 0) {
      return lacks(
        symbol,
        "does not tell of 32-bit system calls, which this kernel takes of any process: hook the call in kprobes, or boot with ia32_emulation=off",
      );
    }
    if (maySkip(need, can) && can.unprivilegedBpf) return skips(symbol, othersMakeMaps);
    return {
      ...{ site: `tracepoint ${symbol}`, symbol, syscall: false, format },
      reported: reportedEvent(on),
    };
  },
  bind() {}, // its tracepoint is chosen when it is attached
  attach(object, { symbol, format }) {
    if (format === undefined) throw new Error(`${symbol}: has no format`);
    return object.attachTracepoint("hook", format.id);
  },
};

/** The system call that an event of it is about, as a hook. */
function asCall(event: string) {
  const on = { kind: "kprobe", call: event.replace(/^sys_exit_/, "sys_"), syscall: true } as const;
  return { on, args: [], selectors: [] };
}

function lacks(symbol: string, why: string): Refusal {
  return { reason: "KernelLacks", message: `${symbol}: ${why}` };
}
