import type { Hook, Selector } from "@guardbee/policy";
import { isEnforcing } from "@guardbee/policy/sets";
import type { NamedSet, Refusal } from "../engine.ts";

/** How a program is attached; `exec` is the sched_process_exec tracepoint. */
export type AttachKind = "fentry" | "fexit" | "fmod_ret" | "kprobe" | "exec";

/** One program to attach, with every hook of every set that it serves, in bit order. */
export type AttachPoint = {
  readonly kind: AttachKind;
  /** Kernel function; for `exec` the tracepoint. */
  readonly symbol: string;
  readonly syscall: boolean;
  readonly hooks: readonly PlannedHook[];
};

/** A hook of a set. */
export type PlannedHook = {
  readonly set: NamedSet;
  readonly index: number;
  readonly hook: Hook;
  /** At least one: a hook without selectors has one that always matches. */
  readonly selectors: readonly Selector[];
  /** The set follows descriptors, so its `fd` arguments count only for those. */
  readonly follows: boolean;
};

/** What this kernel can attach to, answered without loading anything. */
export type AttachAbilities = {
  /** Prefix of system call functions: `__x64_`. */
  readonly syscallPrefix: string;
  readonly fentry: boolean;
  hasFunction(symbol: string): boolean;
  /** fmod_ret is admitted on system calls and `security_*` by kernels with error injection. */
  readonly fmodRetSyscalls: boolean;
  /** Abilities that are taken for absent only because asking failed, with the error's code. */
  readonly unsure: { readonly [Name in "fentry" | "fmodRetSyscalls"]?: string };
};

export type Plan = {
  readonly points: readonly AttachPoint[];
  /** By set name. A refused set has no hook in `points`. */
  readonly refused: ReadonlyMap<string, Refusal>;
};

type Wanted = { readonly entry: "entry" | "exit" | "exec"; readonly symbol: string };

/**
 * Which programs serve `sets` on this kernel, the cheapest that give the full meaning. A set that
 * cannot be served in full is refused as a whole. Order of sets and hooks decides nothing.
 */
export function plan(sets: readonly NamedSet[], can: AttachAbilities): Plan {
  const refused = new Map<string, Refusal>();
  for (const set of sets) {
    const refusal = refuse(set, can);
    if (refusal !== undefined) refused.set(set.name, refusal);
  }
  const byPoint = new Map<string, { wanted: Wanted; syscall: boolean; hooks: PlannedHook[] }>();
  const accepted = sets.filter((set) => !refused.has(set.name));
  for (const set of [...accepted].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const follows = followsDescriptors(set);
    for (const [index, hook] of set.set.hooks.entries()) {
      const wanted = wantedFor(set, hook, can);
      const key = `${wanted.entry}:${wanted.symbol}`;
      const syscall = hook.on.kind === "kprobe" && hook.on.syscall;
      const point = byPoint.get(key) ?? { wanted, syscall, hooks: [] };
      point.hooks.push({
        set,
        index,
        hook,
        selectors: hook.selectors.length > 0 ? hook.selectors : [{ conditions: [], actions: [] }],
        follows,
      });
      byPoint.set(key, point);
    }
  }
  const points = [...byPoint.values()].map(({ wanted, syscall, hooks }) => ({
    kind: kindFor(wanted, hooks, can),
    symbol: wanted.symbol,
    syscall,
    hooks,
  }));
  return { points, refused };
}

/** How status names an attach point: `fmod_ret:__x64_sys_write`. */
export function describePoint(point: { kind: AttachKind; symbol: string }): string {
  return `${point.kind}:${point.symbol}`;
}

/** Whether some action of the set follows descriptors. */
export function followsDescriptors(set: NamedSet): boolean {
  return set.set.hooks.some((hook) =>
    hook.selectors.some((selector) => selector.actions.some((a) => a.action === "FollowFD")),
  );
}

/** Actions of the hook that stop something, in a set that is to enforce. */
function enforces(set: NamedSet, hook: Hook): boolean {
  return (
    set.set.mode === "enforce" && hook.selectors.some((s) => s.actions.some((a) => isEnforcing(a)))
  );
}

function overrides(set: NamedSet, hook: Hook): boolean {
  return (
    set.set.mode === "enforce" &&
    hook.selectors.some((s) => s.actions.some((a) => a.action === "Override"))
  );
}

function wantedFor(_set: NamedSet, hook: Hook, can: AttachAbilities): Wanted {
  if (hook.on.kind === "exec") return { entry: "exec", symbol: "sched_process_exec" };
  const symbol = hook.on.syscall ? can.syscallPrefix + hook.on.call : hook.on.call;
  return { entry: hook.args.some((arg) => arg.returnCopy) ? "exit" : "entry", symbol };
}

function kindFor(wanted: Wanted, hooks: readonly PlannedHook[], can: AttachAbilities): AttachKind {
  if (wanted.entry === "exec") return "exec";
  if (wanted.entry === "exit") return "fexit";
  if (hooks.some(({ set, hook }) => overrides(set, hook))) return "fmod_ret";
  return can.fentry ? "fentry" : "kprobe";
}

function refuse(set: NamedSet, can: AttachAbilities): Refusal | undefined {
  for (const hook of set.set.hooks) {
    if (hook.on.kind === "exec") continue;
    const { entry, symbol } = wantedFor(set, hook, can);
    if (!can.hasFunction(symbol)) {
      return {
        reason: "HookNotFound",
        message: `${symbol}: this kernel has no such function; check the call's name and syscall`,
      };
    }
    if (overrides(set, hook) && !can.fmodRetSyscalls) {
      if (can.unsure.fmodRetSyscalls) return notYetKnown(symbol, can.unsure.fmodRetSyscalls);
      return {
        reason: "KernelLacks",
        message: `${symbol}: Override needs error injection, which this kernel is built without (CONFIG_FUNCTION_ERROR_INJECTION, CONFIG_BPF_KPROBE_OVERRIDE); use Sigkill, or a node with such a kernel`,
      };
    }
    if (overrides(set, hook) && !(hook.on.syscall || symbol.startsWith("security_"))) {
      return {
        reason: "KernelLacks",
        message: `${symbol}: Override works on system calls and security_ functions only; hook one of those`,
      };
    }
    if (entry === "exit" && enforces(set, hook)) {
      return {
        reason: "KernelLacks",
        message: `${symbol}: returnCopy reads when the call has run, too late for an action that stops it; drop returnCopy or the action`,
      };
    }
    if (entry === "exit" && !can.fentry) {
      if (can.unsure.fentry) return notYetKnown(symbol, can.unsure.fentry);
      return {
        reason: "KernelLacks",
        message: `${symbol}: returnCopy needs BPF trampolines (CONFIG_DEBUG_INFO_BTF, kernel 5.5); drop returnCopy`,
      };
    }
  }
  return undefined;
}

function notYetKnown(symbol: string, code: string): Refusal {
  return {
    reason: "LoadFailed",
    message: `${symbol}: this kernel could not say whether it can attach here (${code}); it is asked again`,
    mayPass: true,
  };
}
