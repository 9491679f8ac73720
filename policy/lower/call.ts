import { syscallAliases, syscalls } from "../gen/syscalls.ts";
import type { HookPointOf } from "../hook-point.ts";
import type { KprobeSpec } from "../schema/tracing-policy.ts";
import { quote, suggest } from "../suggest.ts";
import type { HookPlace } from "./hooks/kind.ts";
import { namespacedFunctions, parametersOf } from "./namespaced-functions.ts";
import type { Report } from "./report.ts";
import { whyUnsafe } from "./unsafe-functions.ts";

type KprobePoint = HookPointOf<"kprobe">;

/**
 * What a kprobe's `call` names. System calls are checked against those that any kernel has; which
 * functions a kernel has, only the node can tell.
 */
export function lowerCall(
  report: Report,
  kprobe: Pick<KprobeSpec, "call" | "syscall" | "ignore">,
  place: HookPlace,
): KprobePoint | undefined {
  // The schema's default is true, as upstream.
  return kprobe.syscall !== false
    ? lowerSyscall(report, kprobe, place.at)
    : lowerFunction(report, kprobe.call, place);
}

function lowerSyscall(
  report: Report,
  { call, ignore }: Pick<KprobeSpec, "call" | "ignore">,
  at: string,
): KprobePoint | undefined {
  if (/^(__(ia32|arm64|arm|x32)_|(x64|i386|arm64|arm32)\/)/.test(call)) {
    const fix = `write ${call.replace(/^(__[a-z0-9]+_(compat_)?|[a-z0-9]+\/)/, "")}, whose entry is found on every machine`;
    report.unsupported(`${at}.call`, `${quote(call)} is of one architecture only`, fix);
    return undefined;
  }
  const name = call.replace(/^__x64_/, "");
  if (syscalls.has(name)) return { kind: "kprobe", call: name, syscall: true };
  if (ignore?.callNotFound === true && /^sys_[a-z0-9_]+$/.test(name)) {
    const fix = `where no kernel has it, nothing is hooked; ${syscallHint(name)}`;
    report.warn(`${at}.call`, `no system call is named ${quote(call)}`, fix);
    return { kind: "kprobe", call: name, syscall: true };
  }
  report.invalid(`${at}.call`, `no system call is named ${quote(call)}`, syscallHint(name));
  return undefined;
}

function syscallHint(name: string): string {
  // SYS_write and __NR_write are what C calls them, __do_sys_write and ksys_write what is behind them.
  const bare = name.toLowerCase().replace(/^(__nr_|(__[a-z0-9]+_|__|)(compat_|k|)(sys_|))/, "");
  const full = `sys_${bare}`;
  const entry = syscallAliases[full];
  if (entry !== undefined) return `the kernel's own name for it is ${entry}`;
  if (syscalls.has(full)) return `write ${full}`;
  const close = suggest(full, [...syscalls]);
  const spelling = close === undefined ? "" : `did you mean ${close}? `;
  return `${spelling}for a kernel function set syscall: false (true is the default)`;
}

function lowerFunction(
  report: Report,
  call: string,
  { at, namespaced }: HookPlace,
): KprobePoint | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_.$]*$/.test(call)) {
    report.invalid(`${at}.call`, `is ${quote(call)}`, "write a kernel function such as fd_install");
    return undefined;
  }
  const bare = call.replace(/^__[a-z0-9]+_(?=sys_)/, "");
  if (syscalls.has(bare)) {
    const fix = "set syscall: true; as a function its arguments would be read from the wrong place";
    report.invalid(`${at}.syscall`, `is false, but ${call} is a system call`, fix);
    return undefined;
  }
  const unsafe = whyUnsafe(call);
  if (unsafe !== undefined) {
    const fix = "hook what leads there, such as a system call or a security_ function";
    report.invalid(`${at}.call`, `${call} ${unsafe}`, fix);
    return undefined;
  }
  if (namespaced && parametersOf(call) === undefined) {
    const close = suggest(call, namespacedFunctions);
    const spelling = close === undefined ? "" : `did you mean ${close}? `;
    const fix = `${spelling}hook a system call or a function of docs/reference/limits.md, or use the kind without Namespaced`;
    report.invalid(`${at}.call`, `${call} is not for policies of one namespace`, fix);
    return undefined;
  }
  return { kind: "kprobe", call, syscall: false };
}
