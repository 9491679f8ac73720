import { functionOf, halfOf } from "./function.ts";
import { type AttachKind, notYetKnown } from "./kind.ts";
import { onTrampoline } from "./trampoline.ts";

/** Before a function that it can keep from running, by returning an error in its place. */
export const fmodRet: AttachKind = {
  name: "fmod_ret",
  object: "fmod_ret.bpf.o",
  features: {
    fmod_ret_syscalls: (kernel) =>
      kernel.loads("fmod_ret.bpf.o", `${kernel.syscallPrefix}sys_write`),
  },
  serve(hook, need, can) {
    if (!need.overrides || halfOf(hook) !== "entry") return undefined;
    const target = functionOf(hook, can);
    if (target === undefined || "reason" in target) return target;
    const { symbol, syscall } = target;
    const { fmod_ret_syscalls: able } = can.features;
    if (typeof able === "string") return notYetKnown(symbol, able);
    if (able !== true) {
      return {
        reason: "KernelLacks",
        message: `${symbol}: Override needs error injection, which this kernel is built without (CONFIG_FUNCTION_ERROR_INJECTION, CONFIG_BPF_KPROBE_OVERRIDE); use Sigkill, or a node with such a kernel`,
      };
    }
    if (syscall || symbol.startsWith("security_")) return target;
    return {
      reason: "KernelLacks",
      message: `${symbol}: Override works on system calls and security_ functions only; hook one of those`,
    };
  },
  ...onTrampoline,
};
