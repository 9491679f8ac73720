import type { Arg, ArgType, Hook } from "@guardbee/policy";
import type { Refusal } from "../engine.ts";
import type { EventFormat, Field } from "./event-format.ts";
import type { AttachAbilities, Reported } from "./kind.ts";
import { type Paths, resolved } from "./resolve.ts";

/** A hook as this kernel has what it is on, and how its events tell of it where they do not say that. */
export type ServedHook = {
  readonly hook: Hook;
  readonly reported?: Reported;
  /** Where the paths of its arguments lead, by `pathKey`. */
  readonly paths?: Paths;
};

type Named = { readonly subsystem: string; readonly event: string };

const onEnter = "sys_enter_";
/** Of fields before the parameters of a system call. */
const beforeParameters = 5;

/**
 * `hook` with the types that this kernel's tracepoint has. Where a system call is entered it becomes a
 * hook on the call: on all of its entries, where the tracepoint tells of 64-bit ones only.
 */
export function servedHook(hook: Hook, can: AttachAbilities): ServedHook | Refusal {
  const { on } = hook;
  if (on.kind !== "tracepoint") return resolved(hook, can);
  const { subsystem, event } = on;
  const isEntry = subsystem === "syscalls" && event.startsWith(onEnter);
  const format = can.eventFormat(subsystem, event);
  if (format === undefined && !(isEntry && hook.args.every(({ byFormat }) => !byFormat))) {
    return refusal(
      "HookNotFound",
      on,
      "this kernel has no such tracepoint, or nobody can tell (no /sys/kernel/tracing/events); check subsystem and event",
    );
  }
  const args: Arg[] = [];
  for (const arg of hook.args) {
    const typed = format === undefined ? arg : typedArg(arg, format);
    if (typeof typed === "string") return refusal("KernelLacks", on, typed);
    args.push(isEntry ? ofRegister(typed) : typed);
  }
  const reported = reportedEvent(on);
  if (!isEntry) return { hook: { ...hook, args }, reported };
  const call = `sys_${event.slice(onEnter.length)}`;
  return { hook: { ...hook, on: { kind: "kprobe", call, syscall: true }, args }, reported };
}

/** What events of a tracepoint say of it. */
export function reportedEvent({ subsystem, event }: Named): Reported {
  const names = { subsys: subsystem, event };
  return { event: "process_tracepoint", functionName: `${subsystem}/${event}`, names };
}

function ofRegister({ index, sizeArgIndex, ...arg }: Arg): Arg {
  return {
    ...{ ...arg, index: index - beforeParameters },
    ...(sizeArgIndex !== undefined && { sizeArgIndex: sizeArgIndex - beforeParameters }),
  };
}

/** The argument with the type that is read, or why its field has not the type that the policy says. */
function typedArg(arg: Arg, { fields }: EventFormat): Arg | string {
  const { byFormat, ...own } = arg;
  const field = fields[arg.index];
  const last = fields.length - 1;
  if (field === undefined || (arg.sizeArgIndex ?? 1) > fields.length) {
    return `it has the fields 0 to ${last} here, and none with index ${field === undefined ? arg.index : arg.sizeArgIndex! - 1}`;
  }
  const { name } = field;
  if (byFormat) {
    const type = typeOf(field, arg.sizeArgIndex !== undefined);
    return type === undefined
      ? `field ${arg.index} (${name}) is of no type that auto knows; write its type, of a char * also sizeArgIndex`
      : { ...own, type };
  }
  const isText = isTextIn(field);
  if (isText && (arg.type === "string" || arg.type === "data_loc"))
    return { ...own, type: "data_loc" };
  if (field.kind === "signed" || field.kind === "unsigned") {
    if (arg.type !== "data_loc") return own;
  }
  return `field ${arg.index} (${name}) is no ${arg.type}; write ${isText ? "string" : "auto"}`;
}

function isTextIn({ kind, of }: Field): boolean {
  return (kind === "array" || kind === "data_loc" || kind === "rel_loc") && of === "char";
}

/** What `auto` means for it. */
function typeOf(field: Field, hasSize: boolean): ArgType | undefined {
  if (isTextIn(field)) return "data_loc";
  if (field.kind === "array") return "const_buf";
  if (field.kind === "data_loc" || field.kind === "rel_loc") return undefined;
  if (field.isPointer) return hasSize && field.of === "char" ? "char_buf" : undefined;
  if (hasSize) return undefined;
  if (field.of === "size_t") return "size_t";
  return numbers[field.kind][field.size];
}

const numbers: Readonly<Record<"signed" | "unsigned", Readonly<Record<number, ArgType>>>> = {
  signed: { 1: "int8", 2: "int16", 4: "int", 8: "int64" },
  unsigned: { 1: "uint8", 2: "uint16", 4: "uint32", 8: "uint64" },
};

function refusal(reason: Refusal["reason"], { subsystem, event }: Named, why: string): Refusal {
  return { reason, message: `${subsystem}/${event}: ${why}` };
}
