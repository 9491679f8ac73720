import { createHash } from "node:crypto";
import type { Hook } from "@guardbee/policy";
import { whyUnsafe } from "@guardbee/policy/sets";
import type { Refusal } from "../engine.ts";
import type { AttachAbilities, AttachKind, FunctionGroup, Need, Target } from "./kind.ts";
import { byKprobe } from "./preempted.ts";

/** Functions that one program is attached to: the kernel takes more, and no list is meant to have more. */
const maxFunctions = 4096;

/** Before each of many functions, by one program for them all. */
export const kprobeMulti: AttachKind = {
  name: "kprobe.multi",
  object: "kprobe_multi.bpf.o",
  sees: "entry",
  features: {
    // Of what kprobe.multi is made of; what attaches it is there without, and refuses.
    kprobe_multi: (kernel) => kernel.hasFunction("register_fprobe_syms"),
  },
  serve(hook, need, can) {
    if (hook.on.kind !== "functions") return undefined;
    const { pattern } = hook.on;
    const what = pattern ?? "every system call";
    const { group } = need;
    if (group === undefined) throw new Error(`${what}: asked for none of its functions`);
    return whyNot(what, group) ?? byKprobe(target(hook, group), hook, need, can);
  },
  bind() {}, // its functions are chosen when it is attached
  attach: (object, { symbol, functions }) => {
    if (functions === undefined) throw new Error(`${symbol}: has no functions`);
    return object.attachKprobeMulti("hook", functions);
  },
};

/** Which functions a hook is on; a refusal where this kernel does not say. */
export function groupsOf(
  { on, args }: Hook,
  can: AttachAbilities,
): readonly NonNullable<Need["group"]>[] | Refusal {
  if (on.kind !== "functions") return [];
  const what = on.pattern ?? "every system call";
  if (can.features.kprobe_multi !== true) {
    return lacks(what, "kprobe.multi is not there (CONFIG_FPROBE, kernel 5.18)");
  }
  return (
    can.functionsOf(on.pattern, args) ??
    lacks(what, "its functions cannot be told (no /sys/kernel/tracing/available_filter_functions)")
  );
}

function whyNot(what: string, { functions }: FunctionGroup): Refusal | undefined {
  if (functions.length === 0) {
    return {
      reason: "HookNotFound",
      message: `${what}: this kernel has no such function; check the pattern`,
    };
  }
  const unsafe = functions.flatMap(({ symbol }) => {
    const why = whyUnsafe(symbol);
    return why === undefined ? [] : [`${symbol} ${why}`];
  });
  if (unsafe.length > 0) {
    const more = unsafe.length > 1 ? `, and ${unsafe.length - 1} more` : "";
    return lacks(what, `${unsafe[0]}${more}; narrow the pattern`);
  }
  if (functions.length <= maxFunctions) return undefined;
  return {
    reason: "LimitExceeded",
    message: `${what}: ${functions.length} functions; the engine takes ${maxFunctions} of one list`,
  };
}

function target({ on }: Hook, { functions, registers }: FunctionGroup): Target {
  const names = functions.map(({ symbol }) => symbol).join("\n");
  const digest = createHash("sha256").update(names).digest("hex").slice(0, 12);
  const isCalls = on.kind === "functions" && on.pattern === undefined;
  const symbol = `${isCalls ? "syscalls" : "functions"}-${digest}`;
  return {
    ...{ site: `entry ${symbol}`, symbol, syscall: registers, functions },
    reported: { event: "process_kprobe", functionName: symbol },
  };
}

function lacks(what: string, why: string): Refusal {
  return { reason: "KernelLacks", message: `${what}: ${why}` };
}
