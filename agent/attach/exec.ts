import type { AttachKind, Target } from "./kind.ts";
import { onKprobe } from "./kprobe.ts";
import { byKprobe, maySkip } from "./preempted.ts";

const symbol = "sched_process_exec";
const target: Target = {
  ...{ site: `entry ${symbol}`, symbol, syscall: false },
  reported: { event: "process_kprobe", functionName: symbol },
};

/** Each exec that succeeded, by the tracepoint that its program is compiled for. */
export const exec: AttachKind = {
  name: "exec",
  object: "exec.bpf.o",
  sees: "entry",
  features: {},
  serve({ on }, need, can) {
    if (on.kind !== "exec" || (maySkip(need, can) && can.preemptsTracepoints)) return undefined;
    return target;
  },
  bind() {},
  attach: (object) => object.attach("hook"),
};

/**
 * The same where tasks are preempted at tracepoints, too: when the kernel has given the process what its
 * new program makes it, and nothing can keep that from running but a signal.
 */
export const execByKprobe: AttachKind = {
  name: "exec.kprobe",
  object: "kprobe.bpf.o",
  sees: "entry",
  features: {},
  serve(hook, need, can) {
    if (hook.on.kind !== "exec") return undefined;
    const committed = { ...target, symbol: "security_bprm_committed_creds" };
    const reported = { ...target.reported, beforeExec: true } as const;
    return byKprobe({ ...committed, reported, site: "exec.kprobe" }, hook, need, can);
  },
  ...onKprobe,
};
