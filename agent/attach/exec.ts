import type { AttachKind } from "./kind.ts";

const symbol = "sched_process_exec";

/** Each exec that succeeded, by the tracepoint that its program is compiled for. */
export const exec: AttachKind = {
  name: "exec",
  object: "exec.bpf.o",
  features: {},
  serve({ on }) {
    return on.kind === "exec" ? { site: `entry ${symbol}`, symbol, syscall: false } : undefined;
  },
  bind() {},
  attach: (object) => object.attach("hook"),
};
