import type { Hook } from "@guardbee/policy";
import type { Refusal } from "../engine.ts";
import { functionOf, halfOf } from "./function.ts";
import {
  type AttachAbilities,
  type AttachKind,
  type FunctionTypes,
  type Need,
  notYetKnown,
  type Target,
} from "./kind.ts";
import { onKprobe } from "./kprobe.ts";
import { byKprobe, maySkip, skips, withoutReturn } from "./preempted.ts";
import { onTrampoline } from "./trampoline.ts";

const asModule: Pick<AttachKind, "parameters" | "bind" | "attach"> = {
  ...onTrampoline,
  parameters: ({ symbol }, can) => typesOf(symbol, can)?.parameters,
};

/** As one of the kernel's security modules. */
export const lsm: AttachKind = {
  name: "lsm",
  object: "lsm.bpf.o",
  sees: "entry",
  features: {},
  serve(hook, need, can) {
    const asked = hookAsked(hook, need, can);
    if (asked === undefined || "reason" in asked) return asked;
    if (need.digests && !measuresFiles(can)) return lacks(asked.hook, noMeasuring);
    if (!isActive(can) || (maySkip(need, can) && !seesEveryCall(asked, can))) return undefined;
    return target(asked, onHook(asked.hook));
  },
  ...asModule,
};

/** Where BPF is none of them: before what asks them, if that has the same parameters. */
export const lsmByFmodRet: AttachKind = {
  name: "fmod_ret",
  object: "fmod_ret.bpf.o",
  sees: "entry",
  features: {},
  serve(hook, need, can) {
    const asked = hookAsked(hook, need, can);
    if (asked === undefined || "reason" in asked) return asked;
    if (isActive(can) || maySkip(need, can)) return undefined;
    if (need.hashes) return lacks(asked.hook, `${inactive(can)}, and imaHash needs that`);
    if (need.digests) return lacks(asked.hook, `${inactive(can)}, and digests need that`);
    const where = onFunction(asked, can);
    if ("reason" in where) return where;
    const { fmod_ret_security: able } = can.features;
    if (typeof able === "string") return notYetKnown(asked.hook, able);
    if (able === true) return target(asked, where);
    return lacks(asked.hook, `${inactive(can)}, and fmod_ret programs cannot be used instead`);
  },
  ...onTrampoline,
};

/** Where programs on trampolines may be skipped, and the security module's too: on a kprobe there. */
export const lsmByKprobe: AttachKind = {
  name: "kprobe",
  object: "kprobe.bpf.o",
  sees: "entry",
  features: {},
  serve(hook, need, can) {
    const asked = hookAsked(hook, need, can);
    if (asked === undefined || "reason" in asked || !maySkip(need, can)) return undefined;
    if (isActive(can) && seesEveryCall(asked, can)) return undefined;
    if (need.overrides) return skips(asked.hook, forOverride);
    if (need.hashes) return skips(asked.hook, forHash);
    if (need.digests) return skips(asked.hook, forDigests);
    const where = onFunction(asked, can);
    return "reason" in where ? where : byKprobe(target(asked, where), hook, need, can);
  },
  ...onKprobe,
};

/** Override of a function that asks the security modules, where fmod_ret might miss calls of it. */
export const lsmOfFunction: AttachKind = {
  name: "lsm",
  object: "lsm.bpf.o",
  sees: "entry",
  features: {},
  serve(hook, need, can) {
    if (!need.overrides || halfOf(hook) !== "entry" || !maySkip(need, can)) return undefined;
    const found = functionOf(hook, need, can);
    if (found === undefined || "reason" in found) return undefined; // fmod_ret says so
    const { symbol, reported } = found;
    const name = symbol.match(/^security_(.*)/)?.[1];
    if (name === undefined) return undefined;
    const types = can.typesOf(symbol);
    const asked = [name, `${name}_security`].find((one) => isSame(types, typesOf(one, can)));
    if (asked === undefined || types?.returns !== "int") {
      return skips(symbol, "an LSM hook with the same parameters, which it has not: use Sigkill");
    }
    if (!isActive(can) || !seesEveryCall({ hook: asked, types }, can)) {
      return skips(symbol, forOverride);
    }
    if (hook.returned !== undefined) return skips(symbol, withoutReturn);
    return { ...onHook(asked), syscall: false, reported };
  },
  ...asModule,
};

const forOverride =
  "for Override bpf among its security modules (lsm=) and Linux 6.2, or one that does not skip LSM programs: use Sigkill";

const forHash =
  "for imaHash bpf among its security modules (lsm=) and Linux 6.2, or one that does not skip LSM programs: drop it";

const forDigests =
  "for digests bpf among its security modules (lsm=) and Linux 6.2, or one that does not skip LSM programs: remove the rules that have them";

const noMeasuring =
  "this kernel measures no files (CONFIG_IMA), which digests need: remove the rules that have them, or leave such nodes out";

function measuresFiles(can: AttachAbilities): boolean {
  return can.typesOf("ima_file_hash") !== undefined;
}

/**
 * Whether an LSM program is asked at each call: this kernel skips those on trampolines of another kind
 * only, and the hook's answer refuses a call for which the program has no memory left.
 */
function seesEveryCall({ types }: Asked, can: AttachAbilities): boolean {
  return types.returns === "int" && can.typesOf("__bpf_prog_enter_recur") !== undefined;
}

function isActive({ securityModules }: AttachAbilities): boolean {
  return securityModules.includes("bpf");
}

function inactive({ securityModules }: AttachAbilities): string {
  return `bpf is not among this kernel's security modules (${securityModules}), as its parameter lsm= can make it`;
}

function onHook(hook: string): Pick<Target, "site" | "symbol"> {
  return { site: `lsm ${hook}`, symbol: hook };
}

/** The function that asks the modules, if it has the same parameters. */
function onFunction(
  { hook, types }: Asked,
  can: AttachAbilities,
): Pick<Target, "site" | "symbol"> | Refusal {
  const names = [`security_${hook}`, `security_${hook.replace(/_security$/, "")}`];
  const symbol = names.find((name) => isSame(can.typesOf(name), types));
  if (symbol !== undefined) return { site: `entry ${symbol}`, symbol };
  const why = isActive(can) ? "programs of security modules are skipped here" : inactive(can);
  return lacks(hook, `${why}, and ${names[0]} has other parameters, or is not there`);
}

type Asked = { readonly hook: string; readonly types: FunctionTypes };

/** The hook and what it is called with, or what this kernel lacks of it; undefined: it is no LSM hook. */
function hookAsked(
  { on, args }: Hook,
  { overrides }: Need,
  can: AttachAbilities,
): Asked | Refusal | undefined {
  if (on.kind !== "lsm") return undefined;
  const { hook } = on;
  const types = typesOf(hook, can);
  if (types === undefined) {
    return {
      reason: "HookNotFound",
      message: `${hook}: this kernel has no such LSM hook, or none for BPF (CONFIG_BPF_LSM, CONFIG_DEBUG_INFO_BTF); check its name`,
    };
  }
  const count = types.parameters.length;
  const beyond = args.find(({ index }) => index >= count);
  if (beyond !== undefined) {
    return lacks(hook, `it has ${count} parameters here, and none with index ${beyond.index}`);
  }
  if (!overrides || types.returns === "int") return { hook, types };
  return lacks(hook, "it is told and not asked, so that there is nothing to override");
}

/** Those of an LSM hook: for each the kernel has a function that programs are attached to. */
function typesOf(hook: string, can: AttachAbilities): FunctionTypes | undefined {
  return can.typesOf(`bpf_lsm_${hook}`);
}

function target({ hook }: Asked, where: Pick<Target, "site" | "symbol">): Target {
  return { ...where, syscall: false, reported: { event: "process_lsm", functionName: hook } };
}

function lacks(hook: string, why: string): Refusal {
  return { reason: "KernelLacks", message: `${hook}: ${why}` };
}

function isSame(one: FunctionTypes | undefined, other: FunctionTypes | undefined): boolean {
  return one !== undefined && JSON.stringify(one) === JSON.stringify(other);
}
