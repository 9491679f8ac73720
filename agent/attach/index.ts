import type { Hook } from "@guardbee/policy";
import type { Refusal } from "../engine.ts";
import { exec, execByKprobe } from "./exec.ts";
import { fentry } from "./fentry.ts";
import { fexit } from "./fexit.ts";
import { fmodRet } from "./fmod-ret.ts";
import type { AttachAbilities, AttachKind, Need, Target } from "./kind.ts";
import { kprobe } from "./kprobe.ts";
import { groupsOf, kprobeMulti } from "./kprobe-multi.ts";
import { kprobeOverride } from "./kprobe-override.ts";
import { lsm, lsmByFmodRet, lsmByKprobe, lsmOfFunction } from "./lsm.ts";
import { noneSees } from "./preempted.ts";
import { rawTracepoint } from "./raw-tracepoint.ts";
import { returned, whyNotReturned } from "./returned.ts";
import { tracepoint } from "./tracepoint.ts";
import { uprobe, uprobeOverride } from "./uprobe.ts";
import { usdt } from "./usdt.ts";

export type { EventFormat, Field } from "./event-format.ts";
export type {
  AttachAbilities,
  AttachKind,
  Entry,
  FunctionGroup,
  FunctionTypes,
  Need,
  Place,
  Reported,
  Sees,
  Target,
} from "./kind.ts";

/**
 * In the order in which they are asked to serve a hook. At a site that several of them serve, a
 * later one does all that those before it do: hooks that share the site are served by the latest.
 */
export const attachKinds: readonly AttachKind[] = [
  fentry,
  kprobe,
  kprobeOverride,
  fmodRet,
  fexit,
  exec,
  execByKprobe,
  lsm,
  lsmByFmodRet,
  kprobeMulti,
  lsmByKprobe,
  lsmOfFunction,
  uprobe,
  uprobeOverride,
  usdt,
  rawTracepoint,
  tracepoint,
  returned,
];

export { type ServedHook, servedHook } from "./event-hook.ts";
export type { Paths } from "./resolve.ts";
/** What completes, when a call returns, the events of a program at its entry. */
export { returned } from "./returned.ts";

/** What of a hook is served apart: each entry of its system call, each group of its functions. */
export function partsOf(
  hook: Hook,
  can: AttachAbilities,
): readonly Pick<Need, "entry" | "group">[] | Refusal {
  if (hook.on.kind !== "functions") return [{}, ...can.entriesOf(hook).map((entry) => ({ entry }))];
  const groups = groupsOf(hook, can);
  return "reason" in groups ? groups : groups.map((group) => ({ group }));
}

/** How and where the first kind that can serves `hook`; otherwise why the last that could not. */
export function serve(
  hook: Hook,
  need: Need,
  can: AttachAbilities,
): { readonly kind: AttachKind; readonly target: Target } | Refusal {
  let refusal = noneSees(need, can) ?? noneHashes(hook, need);
  if (refusal !== undefined) return refusal;
  for (const kind of attachKinds) {
    const served = kind.serve(hook, need, can);
    if (served === undefined) continue;
    if ("site" in served) return whyNotReturned(hook, served, can) ?? { kind, target: served };
    if (refusal?.mayPass !== true) refusal = served;
  }
  if (refusal === undefined) throw new Error(`no attach kind serves a hook on ${hook.on.kind}`);
  return refusal;
}

/** Lowering asks for digests nowhere else. */
function noneHashes({ on }: Hook, { digests }: Need): Refusal | undefined {
  if (!digests || (on.kind === "lsm" && on.hook === "bprm_check_security")) return undefined;
  const message = "a digest is there where the LSM hook bprm_check_security asks, and nowhere else";
  return { reason: "KernelLacks", message };
}

/** Of the kinds of hooks that share a site, the one that serves them all. */
export function latest(kinds: readonly AttachKind[]): AttachKind {
  return attachKinds[Math.max(...kinds.map((kind) => attachKinds.indexOf(kind)))]!;
}
