import type { Arg, Hook } from "@guardbee/policy";
import { argKind, checkHook, createReport, formatProblem, pathKey } from "@guardbee/policy/sets";
import type { FoundPath } from "../btf/find-path.ts";
import type { Refusal } from "../engine.ts";
import type { AttachAbilities } from "./kind.ts";

/** Where paths lead, by `pathKey`. */
export type Paths = ReadonlyMap<string, FoundPath>;

type Resolved = { readonly hook: Hook; readonly paths?: Paths };

/**
 * `hook` with the types that this kernel has where the paths of its arguments lead, or which of them leads
 * nowhere, or to what the policy cannot mean.
 */
export function resolved(hook: Hook, can: AttachAbilities): Resolved | Refusal {
  if (hook.args.every((arg) => arg.resolve === undefined)) return { hook };
  const { name, types, isThere } = calledWith(hook, can);
  if (!isThere) return { hook }; // what would attach it says so
  const paths = new Map<string, FoundPath>();
  const args: Arg[] = [];
  for (const [i, arg] of hook.args.entries()) {
    const key = pathKey(arg);
    const found = key === undefined ? undefined : find(arg, types, can);
    const typed = found === undefined || typeof found === "string" ? arg : typedArg(arg, found);
    const why = typeof found === "string" ? found : typed;
    if (typeof why === "string") return lacks(name, `${placeOf(hook, i)}: ${why}`);
    if (key !== undefined && typeof found === "object") paths.set(key, found);
    args.push(why as Arg);
  }
  const served = { ...hook, args };
  const report = createReport();
  checkHook(report, served, "hook");
  const [problem] = report.problems;
  if (problem === undefined) return { hook: served, paths };
  const here = args.map(({ type }) => type).join(", ");
  return lacks(name, `its arguments are ${here} here: ${formatProblem(problem)}`);
}

type CalledWith = {
  readonly name: string;
  /** Undefined: nobody can tell. */
  readonly types: readonly string[] | undefined;
  readonly isThere: boolean;
};

/** What the hook is on, and the types of its parameters. */
function calledWith({ on }: Hook, can: AttachAbilities): CalledWith {
  switch (on.kind) {
    case "kprobe": {
      if (on.syscall) return { name: on.call, types: undefined, isThere: true };
      const types = can.typesOf(on.call)?.parameters;
      return { name: on.call, types, isThere: types !== undefined || can.hasFunction(on.call) };
    }
    case "lsm": {
      const types = can.typesOf(`bpf_lsm_${on.hook}`)?.parameters;
      return { name: on.hook, types, isThere: types !== undefined };
    }
    case "rawTracepoint": {
      const types = can.typesOfTracepoint(on.event);
      return { name: on.event, types, isThere: types !== undefined };
    }
    case "functions":
      return { name: on.pattern ?? "every system call", types: undefined, isThere: true };
    case "uprobe":
    case "usdt":
      return { name: on.path, types: undefined, isThere: true };
    case "exec":
    case "tracepoint":
      return { name: on.kind, types: undefined, isThere: true };
  }
}

/** Where the path of `arg` leads; a text: why nowhere. */
function find(
  arg: Arg,
  types: readonly string[] | undefined,
  can: AttachAbilities,
): FoundPath | string {
  const { source, resolve, index, btfType, btfTypeModule } = arg;
  if (source === "pt_regs") return can.findRegister(resolve!);
  if (source === "current_task") return can.findPath("task_struct", resolve!);
  if (btfType !== undefined) return can.findPath(btfType, resolve!, btfTypeModule);
  const [, struct] = /^(?:struct|union) (\w+) \*$/.exec(types?.[index] ?? "") ?? [];
  if (struct !== undefined) return can.findPath(struct, resolve!);
  const is = types?.[index] ?? "not said by this kernel's types (BTF)";
  return `parameter ${index} is ${is}: write the struct that it points to in btfType`;
}

/** The argument as the type that the path leads to is read, or why not as what the policy says. */
function typedArg(arg: Arg, { type, is, shown, bytes }: FoundPath): Arg | string {
  const isNumber = isNumberType(arg.type);
  if (arg.source === "pt_regs") {
    if (isNumber || bytes === 8) return arg;
    return `${arg.resolve} is a part of a register, and no pointer to a ${arg.type}`;
  }
  const write = type === undefined ? "" : `; write type ${type}`;
  if (isNumber !== (is === "number") && !(is === "pointer" && type === undefined)) {
    return `${arg.resolve} is ${shown} here, and no ${arg.type}${write}`;
  }
  if (type === undefined || arg.type === "capability") return arg;
  if (type === "kernel_cap_t" && arg.type.startsWith("cap_")) return arg;
  if ((type === "string") !== (arg.type === "string")) {
    return `${arg.resolve} is ${shown} here, and no ${arg.type}${write}`;
  }
  return { ...arg, type };
}

function isNumberType(type: Arg["type"]): boolean {
  const { facets } = argKind(type);
  return Object.keys(facets).length === 1 && facets.value === "number";
}

/** As the policy has it. */
function placeOf({ args }: Hook, position: number): string {
  const count = args.slice(0, position).filter(({ isData }) => !isData).length;
  if (!args[position]!.isData) return `args[${position}].resolve`;
  return `data[${position - count}].resolve`;
}

function lacks(name: string, why: string): Refusal {
  return { reason: "KernelLacks", message: `${name}: ${why}` };
}
