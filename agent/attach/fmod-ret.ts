import type { Refusal } from "../engine.ts";
import { functionOf, halfOf } from "./function.ts";
import { type Answer, type AttachKind, notYetKnown, type Target } from "./kind.ts";
import { maySkip } from "./preempted.ts";
import { onTrampoline } from "./trampoline.ts";

/** Before a function that it can keep from running, by returning an error in its place. */
export const fmodRet: AttachKind = {
  name: "fmod_ret",
  object: "fmod_ret.bpf.o",
  sees: "entry",
  features: {
    fmod_ret_syscalls: (kernel) =>
      kernel.takesTrampoline("fmod_ret", `${kernel.syscallPrefix}sys_write`),
    // Linux 7.3 admits the kernel's own entries without error injection, and not these.
    fmod_ret_ia32: (kernel) => kernel.takesTrampoline("fmod_ret", "__ia32_sys_write"),
    // The kernel admits these without error injection.
    fmod_ret_security: (kernel) => kernel.takesTrampoline("fmod_ret", "security_file_open"),
  },
  serve(hook, need, can) {
    if (!need.overrides || halfOf(hook) !== "entry") return undefined;
    const target = functionOf(hook, need, can);
    if (target === undefined || "reason" in target) return target;
    const { symbol, syscall } = target;
    if (maySkip(need, can) && (syscall || symbol.startsWith("security_"))) return undefined;
    if (syscall && symbol.startsWith("__ia32_")) {
      return whereAble(target, can.features.fmod_ret_ia32, errorInjectionOrOff);
    }
    if (syscall) return whereAble(target, can.features.fmod_ret_syscalls, errorInjection);
    if (symbol.startsWith("security_")) {
      return whereAble(target, can.features.fmod_ret_security, withTrampolines);
    }
    return {
      reason: "KernelLacks",
      message: `${symbol}: Override works on system calls and security_ functions only; hook one of those`,
    };
  },
  ...onTrampoline,
};

const errorInjection =
  "error injection, which this kernel is built without (CONFIG_FUNCTION_ERROR_INJECTION, CONFIG_BPF_KPROBE_OVERRIDE)";
const errorInjectionOrOff =
  "error injection, which this kernel is built without, or no 32-bit system calls (boot with ia32_emulation=off)";
const withTrampolines =
  "BPF trampolines, which this kernel is built without (CONFIG_DEBUG_INFO_BTF, CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS)";

function whereAble(target: Target, able: Answer | undefined, needs: string): Target | Refusal {
  if (able === true) return target;
  if (typeof able === "string") return notYetKnown(target.symbol, able);
  return {
    reason: "KernelLacks",
    message: `${target.symbol}: Override needs ${needs}; use Sigkill, or a node with such a kernel`,
  };
}
