import { describeFilePlace, type FilePlace, writtenArgs } from "@guardbee/policy/sets";
import type { Refusal } from "../engine.ts";
import type { AttachAbilities, AttachKind } from "./kind.ts";
import { placeOf, whyNoUprobe } from "./uprobe.ts";

/** At a place that a program's authors have marked, by a uprobe; its arguments are where the file says. */
export const usdt: AttachKind = {
  name: "usdt",
  object: "usdt.bpf.o",
  maps: ["usdt_specs"],
  sees: "entry",
  features: {},
  serve(hook, need, can) {
    const { on, args } = hook;
    if (on.kind !== "usdt") return undefined;
    const written = writtenArgs(hook);
    const refusal =
      whyNoUprobe(on, can) ??
      (written.length > 0 ? whyNotWritten(on, can) : undefined) ??
      (need.onNode ? can.whyNotInFile(on, args, written) : undefined);
    return refusal ?? { ...placeOf(on), reported: reportedOf(on) };
  },
  bind() {},
};

/** Why nobody may write to a process's memory here; undefined: one may. */
function whyNotWritten(on: FilePlace, { lockdown }: AttachAbilities): Refusal | undefined {
  if (lockdown === "none") return undefined;
  const why = `this kernel is locked down (${lockdown}), so that Set may not write to a process: drop it`;
  return { reason: "KernelLacks", message: `${describeFilePlace(on)}: ${why}` };
}

function reportedOf({ path, provider, name }: FilePlace & { readonly kind: "usdt" }) {
  const names = { path, provider, name };
  return { event: "process_usdt", functionName: `${provider}:${name}`, names };
}
