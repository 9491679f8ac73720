import type { Hook } from "@guardbee/policy";
import type { Refusal } from "../engine.ts";
import {
  type AttachAbilities,
  type AttachKind,
  type FunctionTypes,
  type Need,
  notYetKnown,
  type Target,
} from "./kind.ts";
import { onTrampoline } from "./trampoline.ts";

/** As one of the kernel's security modules. */
export const lsm: AttachKind = {
  name: "lsm",
  object: "lsm.bpf.o",
  sees: "entry",
  features: {},
  serve(hook, need, can) {
    const asked = hookAsked(hook, need, can);
    if (asked === undefined || "reason" in asked) return asked;
    if (!can.securityModules.includes("bpf")) return undefined;
    return target(asked, { site: `lsm ${asked.hook}`, symbol: asked.hook });
  },
  ...onTrampoline,
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
    if (can.securityModules.includes("bpf")) return undefined;
    const inactive = `bpf is not among this kernel's security modules (${can.securityModules}), as its parameter lsm= can make it`;
    const names = [`security_${asked.hook}`, `security_${asked.hook.replace(/_security$/, "")}`];
    const symbol = names.find((name) => isSame(can.typesOf(name), asked.types));
    if (symbol === undefined) {
      return lacks(
        asked.hook,
        `${inactive}, and ${names[0]} has other parameters, or is not there`,
      );
    }
    const { fmod_ret_security: able } = can.features;
    if (typeof able === "string") return notYetKnown(asked.hook, able);
    if (able === true) return target(asked, { site: `entry ${symbol}`, symbol });
    return lacks(asked.hook, `${inactive}, and fmod_ret programs cannot be used instead`);
  },
  ...onTrampoline,
};

type Asked = { readonly hook: string; readonly types: FunctionTypes };

/** The hook and what it is called with, or what this kernel lacks of it; undefined: it is no LSM hook. */
function hookAsked(
  { on, args }: Hook,
  { overrides }: Need,
  can: AttachAbilities,
): Asked | Refusal | undefined {
  if (on.kind !== "lsm") return undefined;
  const { hook } = on;
  // For each hook the kernel has such a function, which programs are attached to.
  const types = can.typesOf(`bpf_lsm_${hook}`);
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

function target({ hook }: Asked, where: Pick<Target, "site" | "symbol">): Target {
  return { ...where, syscall: false, reported: { event: "process_lsm", functionName: hook } };
}

function lacks(hook: string, why: string): Refusal {
  return { reason: "KernelLacks", message: `${hook}: ${why}` };
}

function isSame(one: FunctionTypes | undefined, other: FunctionTypes): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
