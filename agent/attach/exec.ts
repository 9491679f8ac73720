import type { AttachKind, Target } from "./kind.ts";

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
  serve: ({ on }) => (on.kind === "exec" ? target : undefined),
  bind() {},
  attach: (object) => object.attach("hook"),
};
