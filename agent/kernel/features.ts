import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { type EventFormat, parseFormat } from "../attach/event-format.ts";
import { type AttachAbilities, attachKinds, type FunctionTypes } from "../attach/index.ts";
import type { Answer, KernelProbe } from "../attach/kind.ts";
import { KernelPaths } from "../btf/kernel-paths.ts";
import type { KernelFeatures } from "../engine.ts";
import { functionFinder } from "./function-groups.ts";
import type { Native } from "./native.ts";
import { preemptsKernel, preemptsTracepoints, readPreemption } from "./preemption.ts";
import type { ProgramFiles } from "./program-files.ts";
import { isPassing } from "./refusal-of.ts";
import { entryFinder } from "./syscall-entries.ts";

const syscallPrefixes: Readonly<Record<string, string>> = { x64: "__x64_", arm64: "__arm64_" };

export type Abilities = AttachAbilities & { readonly kernel: KernelFeatures };

/** What an agent may do beside what its kernel can. */
export type Allowed = Pick<AttachAbilities, "whyNoRequest">;

/**
 * What this kernel can do, by what each attach kind asks once: mostly by loading the smallest
 * program, as configuration files are often absent and say nothing of lockdown. The engine's own takes
 * the verifier some hundred million instructions. Nothing is attached.
 * What the kernel was too busy to say is to be asked again, see `isUnsure`.
 */
export function probeAbilities(
  native: Native,
  { allowed, files }: { readonly allowed: Allowed; readonly files: ProgramFiles },
): Abilities {
  const syscallPrefix = syscallPrefixes[process.arch] ?? "";
  const types = new Map<string, FunctionTypes | null>(); // asked for again and again, slow to tell
  const typesOf = (symbol: string) => {
    if (!types.has(symbol)) types.set(symbol, native.btfFunction(symbol));
    return types.get(symbol) ?? undefined;
  };
  const probe: KernelProbe = {
    syscallPrefix,
    takesTrampoline: (type, symbol) => answerTo(native.trampolineRefusal(type, symbol)),
    takesKprobes: () => answerTo(native.kprobeRefusal()),
    takesUprobes: (as) =>
      answerTo(as === "writing" ? native.uprobeOverrideRefusal() : native.uprobeRefusal()),
    takesPerfEvents: () => answerTo(native.perfEventRefusal()),
    hasFunction: (symbol) => typesOf(symbol) !== undefined,
  };
  const questions = Object.assign({}, ...attachKinds.map((kind) => kind.features));
  const asked = Object.entries<(kernel: KernelProbe) => Answer>(questions);
  const features = Object.fromEntries(asked.map(([name, ask]) => [name, ask(probe)]));
  const functions = features.fentry === true ? undefined : kernelSymbols();
  const hasFunction = (symbol: string) => functions?.has(symbol) ?? typesOf(symbol) !== undefined;
  const securityModules = activeSecurityModules();
  const paths = new KernelPaths();
  const preemption = readPreemption(release());
  const preempts = preemptsKernel(preemption);
  const all = {
    ...features,
    [`preempt_${preemption}`]: true,
    btf: existsSync("/sys/kernel/btf/vmlinux"),
    ia32_emulation: native.takesInt80() ?? hasFunction("__ia32_sys_write"),
    lsm: securityModules.includes("bpf"),
  };
  const entriesOf = entryFinder({
    arch: process.arch,
    takesInt80: all.ia32_emulation === true,
    hasFunction,
    kernelSymbols,
  });
  return {
    ...{ syscallPrefix, features, securityModules, hasFunction, typesOf, entriesOf, ...allowed },
    eventFormat: onceEach(readFormat),
    typesOfTracepoint: (event) => native.btfTracepoint(event) ?? undefined,
    functionsOf: functionFinder({ syscallPrefix, entriesOf }),
    whyNotInFile: (place, args, written) => files.whyNot(place, args, written),
    findPath: (struct, path, module) => paths.find(struct, path, module),
    findRegister: (name) => paths.findRegister(name),
    lockdown: readLockdown(),
    ...{ preempts, unprivilegedBpf: allowsUnprivilegedBpf() },
    preemptsTracepoints: preempts && preemptsTracepoints(release()),
    hidesProcesses: preempts && hidesProcesses(kernelSymbols()),
    kernel: {
      release: release(),
      arch: process.arch === "x64" ? "x86_64" : process.arch,
      features: Object.entries(all)
        .filter(([, has]) => has === true)
        .map(([name]) => name)
        .sort(),
    },
  };
}

/** Whether the kernel has not said of each feature whether it is there. */
export function isUnsure({ features }: AttachAbilities): boolean {
  return Object.values(features).some((answer) => typeof answer === "string");
}

/** What the code of a refusal says; null: there is none. */
function answerTo(code: string | null): Answer {
  return code === null || (isPassing(code) ? code : false);
}

function readFormat(subsystem: string, event: string): EventFormat | undefined {
  if (![subsystem, event].every((name) => /^[\w-]+$/.test(name))) return undefined;
  try {
    const file = `/sys/kernel/tracing/events/${subsystem}/${event}/format`;
    return parseFormat(readFileSync(file, "latin1"));
  } catch {
    return undefined;
  }
}

/** The same, which asks for each once. */
function onceEach(read: AttachAbilities["eventFormat"]): AttachAbilities["eventFormat"] {
  const known = new Map<string, EventFormat>();
  return (subsystem, event) => {
    const name = `${subsystem}/${event}`;
    const format = known.get(name) ?? read(subsystem, event);
    if (format !== undefined) known.set(name, format);
    return format;
  };
}

/** The names of all functions and variables of this kernel. */
export function kernelSymbols(): ReadonlySet<string> {
  const lines = readFileSync("/proc/kallsyms", "latin1").split("\n");
  return new Set(lines.map((line) => line.slice(19).split("\t")[0]!));
}

/** Whether any process may make BPF maps; a kernel that does not say allows it. */
function allowsUnprivilegedBpf(): boolean {
  try {
    return readFileSync("/proc/sys/kernel/unprivileged_bpf_disabled", "utf8").trim() === "0";
  } catch {
    return true;
  }
}

/** See AttachAbilities: until Linux 6.2 programs look up as bpf(2) does, and later without the lock. */
function hidesProcesses(symbols: ReadonlySet<string>): boolean {
  return symbols.has("bpf_task_storage_busy") && !symbols.has("bpf_task_storage_get_recur");
}

/** `none [integrity] confidentiality`: the one in brackets. */
function readLockdown(): string {
  try {
    const text = readFileSync("/sys/kernel/security/lockdown", "utf8");
    return /\[(\w+)\]/.exec(text)?.[1] ?? "none";
  } catch {
    return "none"; // a kernel that has no such thing
  }
}

/** The security modules that the kernel asks, in their order; none where it does not say. */
export function activeSecurityModules(): readonly string[] {
  try {
    return readFileSync("/sys/kernel/security/lsm", "utf8").trim().split(",");
  } catch {
    return [];
  }
}
