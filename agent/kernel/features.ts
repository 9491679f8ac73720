import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { layout } from "../compile/layout.ts";
import type { AttachAbilities } from "../compile/plan.ts";
import type { KernelFeatures } from "../engine.ts";
import type { KernelError, Native } from "./native.ts";
import { isPassing } from "./refusal-of.ts";
import { reuseShared, type SharedMaps } from "./tracking.ts";

const syscallPrefixes: Readonly<Record<string, string>> = { x64: "__x64_", arm64: "__arm64_" };

export type Abilities = AttachAbilities & { readonly kernel: KernelFeatures };

/**
 * What this kernel can do, by loading the smallest program of each kind once: configuration files
 * are often absent and say nothing of lockdown. Nothing is attached. What the kernel was too busy to
 * say is in `unsure`, and to be asked again.
 */
export function probeAbilities(native: Native, objects: string, shared: SharedMaps): Abilities {
  const syscallPrefix = syscallPrefixes[process.arch] ?? "";
  const probe = (object: string, symbol: string) =>
    loads(native, join(objects, object), symbol, shared);
  const answers = {
    fentry: probe("fentry.bpf.o", `${syscallPrefix}sys_write`),
    fmodRetSyscalls: probe("fmod_ret.bpf.o", `${syscallPrefix}sys_write`),
  };
  const fentry = answers.fentry === true;
  const fmodRetSyscalls = answers.fmodRetSyscalls === true;
  const unsure = Object.entries(answers).flatMap(([name, answer]) =>
    typeof answer === "string" ? [[name, answer] as const] : [],
  );
  const functions = fentry ? undefined : kernelSymbols();
  const hasFunction = (symbol: string) =>
    functions?.has(symbol) ?? native.btfFunction(symbol) !== null;
  const features = {
    btf: existsSync("/sys/kernel/btf/vmlinux"),
    fentry,
    fmod_ret_syscalls: fmodRetSyscalls,
    ia32_emulation: native.takesInt80() ?? hasFunction("__ia32_sys_write"),
    kprobe: existsSync("/sys/bus/event_source/devices/kprobe"),
    lsm: lsmActive(),
  };
  return {
    syscallPrefix,
    fentry,
    fmodRetSyscalls,
    unsure: Object.fromEntries(unsure),
    hasFunction,
    kernel: {
      release: release(),
      arch: process.arch === "x64" ? "x86_64" : process.arch,
      features: Object.entries(features)
        .filter(([, has]) => has)
        .map(([name]) => name)
        .sort(),
    },
  };
}

/** Whether the kernel takes a program, or the code of an error that says nothing about that. */
function loads(native: Native, file: string, symbol: string, shared: SharedMaps): boolean | string {
  const object = native.openObject(file);
  try {
    reuseShared(object, shared);
    const spec = new Uint8Array(layout.specBytes);
    spec[0] = 1;
    object.setGlobal("spec", spec);
    object.setAttachTarget("hook", symbol);
    object.load();
    return true;
  } catch (error) {
    const { code } = error as Partial<KernelError>;
    return code !== undefined && isPassing(code) ? code : false;
  } finally {
    object.close();
  }
}

function kernelSymbols(): ReadonlySet<string> {
  const lines = readFileSync("/proc/kallsyms", "latin1").split("\n");
  return new Set(lines.map((line) => line.slice(19).split("\t")[0]!));
}

function lsmActive(): boolean {
  try {
    return readFileSync("/sys/kernel/security/lsm", "utf8").split(",").includes("bpf");
  } catch {
    return false;
  }
}
