import { existsSync } from "node:fs";
import { release } from "node:os";
import { KernelPaths } from "../btf/kernel-paths.ts";
import { activeSecurityModules, kernelSymbols } from "./features.ts";
import { loadNative, type Native } from "./native.ts";
import { configOf } from "./preemption.ts";

/** What is asked of a kernel. */
export type AskedKernel = {
  readonly arch: string;
  readonly native: Pick<
    Native,
    "kprobeRefusal" | "trampolineRefusal" | "takesManyUprobes" | "uprobeOverrideRefusal"
  >;
  /** Of functions and variables. */
  readonly symbols: ReadonlySet<string>;
  readonly hasFile: (path: string) => boolean;
  /** Whether a struct has that path in the kernel's types. */
  readonly hasMember: (struct: string, path: string) => boolean;
};

const syscallPrefixes: Readonly<Record<string, string>> = { x64: "__x64_", arm64: "__arm64_" };

/**
 * What upstream's `tetra probe` asks of a kernel, in its order, by loading the smallest program where one
 * tells, else by the functions and types that came into the kernel with it.
 */
export const upstreamProbes: Readonly<Record<string, (kernel: AskedKernel) => boolean>> = {
  override_return: ({ native, symbols }) =>
    symbols.has("bpf_override_return") && native.kprobeRefusal() === null,
  buildid: ({ hasMember }) => hasMember("perf_event_attr", "build_id"),
  kprobe_multi: ({ symbols }) => symbols.has("register_fprobe_syms"),
  uprobe_multi: ({ native }) => native.takesManyUprobes(),
  fmodret: ({ native }) => native.trampolineRefusal("fmod_ret", "security_task_prctl") === null,
  fmodret_syscall: ({ native, arch }) =>
    native.trampolineRefusal("fmod_ret", `${syscallPrefixes[arch] ?? ""}sys_getcpu`) === null,
  signal: ({ symbols }) => symbols.has("bpf_send_signal"),
  // A million instructions came with Linux 5.2, types of the kernel with 5.4.
  large: ({ hasFile }) => hasFile("/sys/kernel/btf/vmlinux"),
  link_pin: ({ symbols }) => symbols.has("bpf_perf_link_dealloc"),
  lsm: () => activeSecurityModules().includes("bpf"),
  missed_stats_kprobe_multi: ({ hasMember }) => hasMember("bpf_link_info", "kprobe_multi.missed"),
  missed_stats_kprobe: ({ hasMember }) => hasMember("bpf_link_info", "perf_event.kprobe.missed"),
  batch_update: ({ symbols }) => symbols.has("generic_map_update_batch"),
  uprobe_refctroff: ({ hasFile }) =>
    hasFile("/sys/bus/event_source/devices/uprobe/format/ref_ctr_offset"),
  audit_loginuid: ({ hasFile }) => hasFile("/proc/self/loginuid"),
  probe_write_user: ({ symbols }) => symbols.has("bpf_probe_write_user"),
  uprobe_regs_change: ({ native }) => native.uprobeOverrideRefusal() === null,
  // On x86 with Linux 5.10; elsewhere the kernel's compiler says so itself.
  mix_bpf_and_tail_calls: ({ arch, symbols, hasMember }) =>
    symbols.has("bpf_jit_supports_subprog_tailcalls") ||
    (arch === "x64" && hasMember("bpf_subprog_info", "tail_call_reachable")),
  fentry: ({ native, arch }) =>
    native.trampolineRefusal("fentry", `${syscallPrefixes[arch] ?? ""}sys_getcpu`) === null,
  get_func_ret: ({ symbols }) => symbols.has("get_func_ret"),
  substring_kfunc: ({ symbols }) => symbols.has("bpf_strstr"),
  copy_from_user_str: ({ symbols }) => symbols.has("bpf_copy_from_user_str"),
};

/** What each of them says of this kernel. Throws where the addon is not there. */
export function askUpstreamProbes(): readonly (readonly [name: string, has: boolean])[] {
  const paths = new KernelPaths();
  const kernel: AskedKernel = {
    ...{ arch: process.arch, native: loadNative(), symbols: kernelSymbols(), hasFile: existsSync },
    hasMember: (struct, path) => typeof paths.find(struct, path) === "object",
  };
  return Object.entries(upstreamProbes).map(([name, has]) => [name, has(kernel)]);
}

const configNames = [
  ...["AUDIT", "AUDITSYSCALL", "BPF", "BPF_EVENTS", "BPF_JIT", "BPF_JIT_DEFAULT_ON"],
  ...["BPF_KPROBE_OVERRIDE", "BPF_SYSCALL", "CGROUPS", "DEBUG_INFO_BTF", "DEBUG_INFO_BTF_MODULES"],
  ...["FTRACE_SYSCALLS", "HAVE_BPF_JIT", "HAVE_EBPF_JIT", "SECURITY"],
].map((name) => `CONFIG_${name}`);

/**
 * The options that `tetra probe config` shows, with what `text`, a kernel's configuration, has of each; `n`:
 * nothing.
 */
export function shownConfig(text: string): readonly (readonly [name: string, value: string])[] {
  const values = new Map(
    text.split("\n").flatMap((line): (readonly [string, string])[] => {
      const [, name, value] = /^(CONFIG_\w+)=(.+)$/.exec(line.trim()) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value.trim()]];
    }),
  );
  return configNames.map((name) => [name, values.get(name) ?? "n"]);
}

/** This kernel's configuration; undefined: neither the kernel nor a file of its distribution has it. */
export function readKernelConfig(): string | undefined {
  return configOf(release());
}

/** The system calls that this kernel has, as policies name them: `sys_read`. */
export function askSystemCalls(): readonly string[] {
  const prefix = `${syscallPrefixes[process.arch] ?? ""}sys_`;
  return [...kernelSymbols()]
    .filter((name) => name.startsWith(prefix) && name !== `${prefix}ni_syscall`)
    .map((name) => `sys_${name.slice(prefix.length)}`)
    .sort();
}
