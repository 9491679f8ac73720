import type { Static } from "typebox";
import type { Immutable } from "../schema/dsl.ts";
import type { arg as argSchema } from "../schema/hooks.ts";
import type { Arg, ArgType } from "../selector-set.ts";
import { maxArgIndex, maxArgs } from "./limits.ts";
import { typesFor } from "./namespaced-functions.ts";
import { type Report, refuseOthers } from "./report.ts";

/** A hook's arguments, and how the policy's ways of naming them lead to positions in them. */
export type ArgTable = {
  readonly args: readonly Arg[];
  /** One for each of the policy's own entries, in their order. */
  readonly entries: readonly ArgEntry[];
};
export type ArgEntry = {
  readonly index: number;
  /** As written. */
  readonly type: string;
  readonly returnCopy: boolean;
  /** Position in `args`; undefined for one that is never read: nop, or one that was refused. */
  readonly position?: number;
  readonly lowered?: Arg;
};
type ArgSpec = Immutable<Static<typeof argSchema>>;

const types: Readonly<Record<string, ArgType>> = {
  int: "int",
  int32: "int",
  sint32: "int",
  uint32: "uint32",
  int64: "int64",
  sint64: "int64",
  long: "int64",
  uint64: "uint64",
  ulong: "uint64",
  size_t: "size_t",
  fd: "fd",
  file: "file",
  char_buf: "char_buf",
};

type ArgPlace = {
  readonly at: string;
  readonly syscall: boolean;
  /** Types in C of the function's parameters, where only these may be read. */
  readonly parameters?: readonly string[] | undefined;
};

export function lowerArgs(report: Report, specs: readonly ArgSpec[], place: ArgPlace): ArgTable {
  if (specs.length > maxArgs) {
    report.invalid(place.at, `has ${specs.length} entries`, `at most ${maxArgs} can be read`);
  }
  const args: Arg[] = [];
  const entries = specs.map((spec, i): ArgEntry => {
    const lowered = lowerArg(report, spec, { ...place, at: `${place.at}[${i}]` });
    const entry = { index: spec.index, type: spec.type, returnCopy: spec.returnCopy === true };
    return lowered === undefined ? entry : { ...entry, lowered, position: args.push(lowered) - 1 };
  });
  return { args, entries };
}

function lowerArg(report: Report, spec: ArgSpec, place: ArgPlace): Arg | undefined {
  const { at } = place;
  const known = ["index", "type", "label", "returnCopy", "sizeArgIndex"];
  refuseOthers(report, spec, { at, known });
  if (spec.index > maxArgIndex) {
    const fix = `0 to ${maxArgIndex}: a call passes at most ${maxArgs} arguments in registers`;
    report.invalid(`${at}.index`, `${spec.index} is out of range`, fix);
  }
  // Upstream does not read these and leaves them out of events.
  if (spec.type === "nop") return undefined;
  const type = types[spec.type];
  if (type === undefined) {
    refuseType(report, spec.type, at);
    return undefined;
  }
  if (type === "file" && place.syscall) {
    const fix = "use type fd, or hook the kernel function behind it: programs pass no struct file";
    report.invalid(`${at}.type`, "file cannot be an argument of a system call", fix);
  }
  checkBuffer(report, spec, at);
  if (place.parameters !== undefined) checkParameter(report, { spec, type }, place.parameters, at);
  return {
    index: spec.index,
    type,
    ...(spec.label ? { label: spec.label } : {}),
    ...(type === "char_buf" && !spec.returnCopy && spec.sizeArgIndex !== undefined
      ? { sizeArgIndex: spec.sizeArgIndex }
      : {}),
    ...(type === "char_buf" && spec.returnCopy ? { returnCopy: true } : {}),
  };
}

function refuseType(report: Report, type: string, at: string): void {
  const supported = [...new Set([...Object.keys(types), "nop"])].join(", ");
  if (type === "auto" || type === "syscall64") {
    report.invalid(`${at}.type`, `${type} is for tracepoints only`, `write one of ${supported}`);
  } else {
    report.unsupported(
      `${at}.type`,
      `${type} is not supported yet`,
      `this version reads ${supported}`,
    );
  }
}

/** A type that the parameter has not would read memory of the kernel. */
function checkParameter(
  report: Report,
  { spec, type }: { readonly spec: ArgSpec; readonly type: ArgType },
  parameters: readonly string[],
  at: string,
): void {
  const types = typesFor(parameters[spec.index]);
  if (types.includes(type)) return;
  const fix =
    types.length > 0
      ? `write one of ${types.join(", ")}`
      : "remove it, or use the kind without Namespaced";
  const what = `${spec.type} does not read parameter ${spec.index} in a policy of one namespace`;
  report.invalid(`${at}.type`, what, fix);
}

function checkBuffer(report: Report, spec: ArgSpec, at: string): void {
  const { sizeArgIndex } = spec;
  if (spec.type !== "char_buf") {
    const fix = "remove it: only a char_buf has it";
    if (sizeArgIndex !== undefined) report.invalid(`${at}.sizeArgIndex`, "has no meaning", fix);
    if (spec.returnCopy) report.invalid(`${at}.returnCopy`, "has no meaning", fix);
    return;
  }
  if (sizeArgIndex !== undefined && (sizeArgIndex < 1 || sizeArgIndex > maxArgs)) {
    const fix = `1 to ${maxArgs}: it counts the call's parameters from 1`;
    report.invalid(`${at}.sizeArgIndex`, `${sizeArgIndex} is out of range`, fix);
  }
  if (sizeArgIndex === spec.index + 1) {
    const fix = "write which parameter holds the length: it counts from 1, index from 0";
    report.invalid(`${at}.sizeArgIndex`, `${sizeArgIndex} is the buffer itself`, fix);
  }
  if (sizeArgIndex === undefined && !spec.returnCopy) {
    const fix = "write which parameter holds the length, from 1, or returnCopy: true";
    report.invalid(`${at}.sizeArgIndex`, "is missing", fix);
  }
}

/** The entry that an `index` names: the first one with it, as upstream. */
export function findByIndex(table: ArgTable, index: number): ArgEntry | undefined {
  return table.entries.find((entry) => entry.index === index);
}

/** What to write where an index was wrong. */
export function allowedIndexes(table: ArgTable): string {
  const indexes = [...new Set(table.entries.map((entry) => entry.index))].sort();
  return indexes.length === 0
    ? "add the argument to args first"
    : `args has the indexes ${indexes.join(", ")}`;
}
