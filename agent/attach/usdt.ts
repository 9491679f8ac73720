import type { FilePlace } from "@guardbee/policy/sets";
import type { AttachKind } from "./kind.ts";
import { placeOf, whyNoUprobe } from "./uprobe.ts";

/** At a place that a program's authors have marked, by a uprobe; its arguments are where the file says. */
export const usdt: AttachKind = {
  name: "usdt",
  object: "usdt.bpf.o",
  maps: ["usdt_specs"],
  sees: "entry",
  features: {},
  serve({ on, args }, need, can) {
    if (on.kind !== "usdt") return undefined;
    const refusal = whyNoUprobe(on, can) ?? (need.onNode ? can.whyNotInFile(on, args) : undefined);
    return refusal ?? { ...placeOf(on), reported: reportedOf(on) };
  },
  bind() {},
};

function reportedOf({ path, provider, name }: FilePlace & { readonly kind: "usdt" }) {
  const names = { path, provider, name };
  return { event: "process_usdt", functionName: `${provider}:${name}`, names };
}
