import { describeFilePlace, type FilePlace } from "@guardbee/policy/sets";
import type { Refusal } from "../engine.ts";
import {
  type AttachAbilities,
  type AttachKind,
  type Need,
  notYetKnown,
  type Place,
  type Target,
} from "./kind.ts";

type UprobePoint = FilePlace & { readonly kind: "uprobe" };

/** Before an instruction of a program or library, by a breakpoint in every process that has the file. */
export const uprobe: AttachKind = {
  name: "uprobe",
  object: "uprobe.bpf.o",
  sees: "entry",
  features: { uprobe: (kernel) => kernel.takesUprobes() },
  serve(hook, need, can) {
    if (hook.on.kind !== "uprobe" || need.overrides) return undefined;
    return targetOf(hook.on, need, can);
  },
  bind() {}, // where is chosen when it is attached: files come and go (kernel/program-files.ts)
};

/** The same, of a function that may be kept from running. */
export const uprobeOverride: AttachKind = {
  name: "uprobe_override",
  object: "uprobe_override.bpf.o",
  sees: "entry",
  features: {
    uprobe_override: (kernel) => kernel.takesUprobes("writing"),
  },
  serve(hook, need, can) {
    if (hook.on.kind !== "uprobe" || !need.overrides) return undefined;
    const target = targetOf(hook.on, need, can);
    if ("reason" in target) return target;
    const { uprobe_override: able } = can.features;
    if (typeof able === "string") return notYetKnown(target.symbol, able);
    if (able === true) return target;
    return {
      reason: "KernelLacks",
      message: `${target.symbol}: Override of a program's function needs a kernel whose uprobes may write registers (Linux 6.18): use Sigkill`,
    };
  },
  bind() {},
};

function targetOf(on: UprobePoint, need: Need, can: AttachAbilities): Target | Refusal {
  // In containers it is attached as they come.
  const refusal = whyNoUprobe(on, can) ?? (need.onNode ? can.whyNotInFile(on, []) : undefined);
  return refusal ?? { ...placeOf(on), reported: reportedOf(on) };
}

/** Why this kernel can attach to no place in a file; undefined: it can. */
export function whyNoUprobe(on: FilePlace, can: AttachAbilities): Refusal | undefined {
  const symbol = describeFilePlace(on);
  const { uprobe: able } = can.features;
  if (able === true) return undefined;
  if (typeof able === "string") return notYetKnown(symbol, able);
  const why =
    "this kernel takes no uprobes (CONFIG_UPROBE_EVENTS; before Linux 6.6 also sysctl kernel.perf_event_paranoid=2)";
  return { reason: "KernelLacks", message: `${symbol}: ${why}` };
}

/** Hooks on a place share a program where all of what they say of the file is the same. */
export function placeOf(on: FilePlace): Place {
  const symbol = describeFilePlace(on);
  return { site: `${on.kind} ${JSON.stringify(on)}`, symbol, syscall: false, file: on };
}

function reportedOf({ path, symbol, offset = 0, refCtrOffset }: UprobePoint): Target["reported"] {
  return {
    event: "process_uprobe",
    functionName: symbol ?? "",
    names: {
      path,
      ...(symbol === undefined ? {} : { symbol }),
      ...(offset === 0 ? {} : { offset }),
      ...(refCtrOffset === undefined ? {} : { ref_ctr_offset: refCtrOffset }),
    },
  };
}
