import type { NamedSet } from "../decide/decide.ts";
import { canonicalJson } from "../lower/canonical.ts";
import type { Hook, HookPoint } from "../selector-set.ts";
import { furtherEntries } from "../syscall-entries.ts";
import { isExec, type RecordedEvent, textIn } from "./event.ts";

/** One hook of a set. */
export type SetHook = { readonly set: NamedSet; readonly index: number; readonly hook: Hook };

/** The hook that recorded an event, or why its arguments cannot be told. */
export type Recorder = SetHook | { readonly unknown: string };

export function hooksOf(sets: readonly NamedSet[]): readonly SetHook[] {
  return sets.flatMap((set) => set.set.hooks.map((hook, index) => ({ set, index, hook })));
}

/** The hook of `hooks` that recorded `event`: what its arguments are, the event itself does not say. */
export function recorderOf(hooks: readonly SetHook[], event: RecordedEvent): Recorder {
  const { policy } = event;
  if (policy === "") return { unknown: "the event is of no policy" };
  const ofPolicy = hooks.filter(({ set }) => set.set.policy.name === policy);
  if (ofPolicy.length === 0) {
    return { unknown: `policy ${policy}, which recorded it, is not given (--recorded-by)` };
  }
  const found = ofPolicy.filter(({ hook }) => isOn(hook, event));
  const [first] = found;
  if (first === undefined) {
    return { unknown: `policy ${policy} as it is given has no hook that records such a call` };
  }
  const reads = new Set(
    found.map(({ hook: { args, returned } }) => canonicalJson([args, returned])),
  );
  if (reads.size === 1) return first;
  return { unknown: `policy ${policy} has several hooks on that call, with other arguments` };
}

/** Whether calls of which an event tells are such as a hook is asked about. */
export function isOn({ on, args }: Hook, event: RecordedEvent): boolean {
  const { kind, event: fields } = event;
  const text = (name: string) => textIn(fields, name);
  switch (on.kind) {
    case "kprobe":
      return kind === "process_kprobe" && isCall({ on, args }, text("function_name"));
    case "functions":
      return kind === "process_kprobe" && isListed(on.pattern, text("function_name"));
    case "lsm":
      return kind === "process_lsm" && text("function_name") === on.hook;
    case "tracepoint":
    case "rawTracepoint":
      return (
        kind === "process_tracepoint" &&
        text("subsys") === on.subsystem &&
        text("event") === on.event
      );
    case "uprobe":
      return kind === "process_uprobe" && isPlace(on, fields);
    case "usdt":
      return (
        kind === "process_usdt" &&
        text("path") === on.path &&
        text("provider") === on.provider &&
        text("name") === on.name
      );
    case "exec":
      return isExec(event) || (kind === "process_kprobe" && text("function_name") === execFunction);
  }
}

/** What events of an ExecPolicy say was called. */
const execFunction = "sched_process_exec";

/** `__x64_sys_write`, and what 32-bit processes enter the kernel by. */
const ofSyscall = /^__(?:x64|ia32|arm64)_/;

/** Whether the registers of a call of that function have 32 bits. */
export function is32Bit(event: RecordedEvent): boolean {
  return /^__(ia32_|arm64_compat_)/.test(textIn(event.event, "function_name"));
}

type OnFunction = Pick<Hook, "args"> & { readonly on: Extract<HookPoint, { kind: "kprobe" }> };

function isCall({ on, args }: OnFunction, name: string): boolean {
  if (!on.syscall) return name === on.call;
  const bare = name.replace(ofSyscall, "");
  if (bare === name) return false;
  return bare === on.call || furtherEntries({ on, args }).seen.some((one) => one.name === bare);
}

function isListed(pattern: string | undefined, name: string): boolean {
  if (pattern !== undefined) return new RegExp(pattern, "u").test(name);
  return ofSyscall.test(name) && /^(compat_)?sys_/.test(name.replace(ofSyscall, ""));
}

type Uprobe = Extract<HookPoint, { kind: "uprobe" }>;

function isPlace(
  { path, symbol = "", offset = 0, address }: Uprobe,
  fields: RecordedEvent["event"],
) {
  if (address !== undefined) return false; // events do not say it
  const at = fields.offset ?? 0;
  return (
    textIn(fields, "path") === path &&
    textIn(fields, "symbol") === symbol &&
    String(at) === String(offset)
  );
}
