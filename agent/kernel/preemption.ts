import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/**
 * When a kernel takes the processor from a task that is inside of the kernel: none, voluntary: only
 * where its code offers that; lazy, full, rt: nearly anywhere. unknown: it does not say.
 */
export type Preemption = "none" | "voluntary" | "lazy" | "full" | "rt" | "unknown";

/** The bytes of a file, undefined where it cannot be read. */
export type ReadFile = (path: string) => Buffer | undefined;

/** Whether a task may lose the processor inside of a BPF program; so it is where nobody can tell. */
export function preemptsKernel(model: Preemption): boolean {
  return model !== "none" && model !== "voluntary";
}

/** Whether such a kernel preempts at tracepoints, too: from Linux 7.0 on (commit a46023d5616e). */
export function preemptsTracepoints(release: string): boolean {
  return Number.parseInt(release, 10) >= 7;
}

/** The host's own files, also where the agent is in a container. */
const hostRoots = ["", "/proc/1/root"];

/**
 * How this kernel preempts: as it was built, and of a kernel that chooses when it boots (PREEMPT_DYNAMIC)
 * what it says of itself, or what it was booted with. A kernel ignores a parameter for a model that
 * it lacks, so that one of the weaker models counts only with the kernel's configuration.
 */
export function readPreemption(release: string, read: ReadFile = readOrNot): Preemption {
  const version = textOf(read("/proc/sys/kernel/version"));
  if (version === undefined) return "unknown";
  const built = version.match(/\bPREEMPT(?:_(\w+))?\b/);
  if (built === null) return "none";
  if (built[1] === "RT") return "rt";
  const config = configOf(release, read);
  const byDefault = config === undefined ? "unknown" : defaultIn(config);
  if (built[1] === undefined) return byDefault === "lazy" ? "lazy" : "full";
  const inForce = hostRoots
    .map((root) => textOf(read(`${root}/sys/kernel/debug/sched/preempt`)))
    .find((text) => text !== undefined);
  if (inForce !== undefined) return modelNamed(inForce.match(/\((\w+)\)/)?.[1]);
  const asked = [...(textOf(read("/proc/cmdline")) ?? "").matchAll(/(?:^|\s)preempt=(\w+)/g)];
  const model = asked.length === 0 ? byDefault : modelNamed(asked.at(-1)![1]);
  const all = config?.includes("CONFIG_PREEMPT_VOLUNTARY") === true;
  return preemptsKernel(model) || all ? model : "unknown";
}

function modelNamed(name: string | undefined): Preemption {
  const models: readonly Preemption[] = ["none", "voluntary", "lazy", "full"];
  return models.find((model) => model === name) ?? "unknown";
}

function defaultIn(config: string): Preemption {
  const has = (option: string) => new RegExp(`^CONFIG_PREEMPT${option}=y$`, "m").test(config);
  if (has("_RT")) return "rt";
  if (has("_LAZY")) return "lazy";
  if (has("")) return "full";
  if (has("_VOLUNTARY")) return "voluntary";
  return has("_NONE") ? "none" : "unknown";
}

/** The configuration that the kernel was built with, in the places that distributions have for it; undefined: none has it. */
export function configOf(release: string, read: ReadFile = readOrNot): string | undefined {
  const zipped = read("/proc/config.gz");
  if (zipped !== undefined) return gunzipSync(zipped).toString("latin1");
  const files = [`/boot/config-${release}`, `/lib/modules/${release}/config`];
  return hostRoots
    .flatMap((root) => files.map((file) => root + file))
    .map((file) => textOf(read(file)))
    .find((text) => text !== undefined);
}

function textOf(bytes: Buffer | undefined): string | undefined {
  return bytes?.toString("latin1");
}

function readOrNot(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
