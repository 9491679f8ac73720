import type { AttachKind } from "./kind.ts";

/** Whether BPF trampolines, which fentry and fexit are attached with, are there. */
export const trampolines: AttachKind["features"] = {
  fentry: (kernel) => kernel.takesTrampoline("fentry", `${kernel.syscallPrefix}sys_write`),
};

/** How a program on a trampoline is attached: its function is chosen before it is loaded. */
export const onTrampoline: Pick<AttachKind, "parameters" | "bind" | "attach"> = {
  parameters: ({ symbol, syscall }, can) =>
    syscall === false ? can.typesOf(symbol)?.parameters : undefined,
  bind(object, { symbol }) {
    object.setAttachTarget("hook", symbol);
  },
  attach: (object) => object.attach("hook"),
};
