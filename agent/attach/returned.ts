import type { Hook } from "@guardbee/policy";
import type { Refusal } from "../engine.ts";
import { type AttachAbilities, type AttachKind, notYetKnown, type Target } from "./kind.ts";
import { onTrampoline } from "./trampoline.ts";

/** When a function returns before which another program has decided: what waits for that goes out. */
export const returned: AttachKind = {
  name: "fexit",
  object: "returned.bpf.o",
  sees: "return",
  features: {},
  serve: () => undefined, // no hook is its own: it comes beside the program at the entry
  ...onTrampoline,
};

/** Why nothing can tell what the function of `hook` returns; undefined: it can be told, or is not asked. */
export function whyNotReturned(
  { returned: asked }: Hook,
  { symbol }: Target,
  can: AttachAbilities,
): Refusal | undefined {
  if (asked === undefined) return undefined;
  const { fentry: able } = can.features;
  if (typeof able === "string") return notYetKnown(symbol, able);
  if (able !== true) {
    return lacks(
      symbol,
      "return: true needs BPF trampolines (CONFIG_DEBUG_INFO_BTF, kernel 5.5); drop return and returnArg",
    );
  }
  if (can.typesOf(symbol)?.returns !== "void") return undefined;
  return lacks(symbol, "it returns nothing; drop return and returnArg");
}

function lacks(symbol: string, why: string): Refusal {
  return { reason: "KernelLacks", message: `${symbol}: ${why}` };
}
