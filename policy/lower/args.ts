import type { Static } from "typebox";
import { type Arg, type ArgType, argKind, argTypesWhere } from "../args/index.ts";
import type { ArgSource, CType, Length, LengthPlace } from "../args/kind.ts";
import type { arg as argSchema } from "../schema/arg.ts";
import type { Immutable } from "../schema/dsl.ts";
import { tracepointArgTypes, unreadArgType } from "../schema/vocabulary.ts";
import { checkPathType, lowerPath, pathFields } from "./arg-paths.ts";
import { maxArgIndex, maxArgs } from "./limits.ts";
import { typesFor } from "./namespaced-functions.ts";
import { type Report, refuseOthers } from "./report.ts";

/** A hook's arguments, and how the policy's ways of naming them lead to positions in them. */
export type ArgTable = {
  readonly args: readonly Arg[];
  /** One for each of the policy's own entries, in their order. */
  readonly entries: readonly ArgEntry[];
  /** The same of `data`; absent: there is none. */
  readonly data?: readonly ArgEntry[];
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

/** Which indexes there are, and what they count. */
export type Indexes = { readonly first: number; readonly last: number; readonly count: string };
const ofParameters: Indexes = {
  ...{ first: 0, last: maxArgIndex },
  count: `a call passes at most ${maxArgs} arguments in registers`,
};
type ArgSpec = Immutable<Static<typeof argSchema>>;

/** What each word of a policy means, in the order in which messages list them. */
const typeOf: Readonly<Record<string, ArgType>> = Object.fromEntries(
  argTypesWhere(({ unnamed }) => !unnamed).flatMap((type) =>
    [type, ...argKind(type).aliases].map((name) => [name, type]),
  ),
);

/** The type that a policy calls so; undefined: this version has none. */
export function typeNamed(name: string): ArgType | undefined {
  return Object.hasOwn(typeOf, name) ? typeOf[name] : undefined;
}

type ArgPlace = {
  readonly at: string;
  readonly source: ArgSource;
  /** Types in C of the function's parameters, where only these may be read. */
  readonly parameters?: readonly (CType | undefined)[] | undefined;
  /** Absent: the parameters of a call. */
  readonly indexes?: Indexes | undefined;
  /** The node knows their types, and takes them for `auto`. */
  readonly hasFormat?: boolean | undefined;
  readonly namespaced?: boolean;
};

type ArgSpecs = { readonly args?: readonly ArgSpec[]; readonly data?: readonly ArgSpec[] };

/** `at`: of the hook. */
export function lowerArgs(
  report: Report,
  { args: specs = [], data = [] }: ArgSpecs,
  { at, ...place }: ArgPlace,
): ArgTable {
  const count = specs.length + data.length;
  if (count > maxArgs) {
    const what =
      data.length > 0 ? `has ${count} entries with those of args` : `has ${count} entries`;
    const field = `${at}.${data.length > 0 ? "data" : "args"}`;
    report.invalid(field, what, `at most ${maxArgs} can be read`);
  }
  const args: Arg[] = [];
  const lowerAll = (all: readonly ArgSpec[], list: "args" | "data") =>
    all.map((spec, i): ArgEntry => {
      const one = { ...place, at: `${at}.${list}[${i}]`, isData: list === "data" };
      const lowered = lowerArg(report, spec, one);
      const entry = { index: spec.index, type: spec.type, returnCopy: spec.returnCopy === true };
      return lowered === undefined
        ? entry
        : { ...entry, lowered, position: args.push(lowered) - 1 };
    });
  const entries = lowerAll(specs, "args");
  return { args, entries, data: lowerAll(data, "data") };
}

type OnePlace = ArgPlace & { readonly isData: boolean };

function lowerArg(report: Report, spec: ArgSpec, place: OnePlace): Arg | undefined {
  const { at, isData, namespaced = false, hasFormat = false } = place;
  const known = ["index", "type", "label", "maxData", "returnCopy", "sizeArgIndex", ...pathFields];
  refuseOthers(report, spec, { at, known });
  const { first, last, count } = place.indexes ?? ofParameters;
  if (!isData && (spec.index < first || spec.index > last)) {
    report.invalid(`${at}.index`, `${spec.index} is out of range`, `${first} to ${last}: ${count}`);
  }
  if (spec.type === unreadArgType) return undefined;
  const path = lowerPath(report, spec, { at, source: place.source, isData, hasFormat, namespaced });
  if (path.resolve !== undefined || isData) return ofPath(report, spec, path, place);
  if (spec.type === "auto" && place.hasFormat) return byFormat(report, spec, { at, first, last });
  const type = typeNamed(spec.type);
  if (type === undefined) {
    refuseType(report, spec.type, place);
    return undefined;
  }
  const kind = argKind(type);
  const { source } = place;
  const ofProgram = source === "system call" || source === "program's function";
  if (kind.insteadOfField !== undefined && source !== "tracepoint") {
    report.invalid(`${at}.type`, `${type} is for tracepoints only`, kind.insteadOfField);
  }
  if (kind.instead !== undefined && ofProgram) {
    const what = `${type} cannot be an argument of a ${source}`;
    report.invalid(`${at}.type`, what, kind.instead);
  }
  refuseLength(report, { spec, fields: kind.lengthFields ?? [] }, at);
  const length = kind.lowerLength?.(report, spec, { at, first, last }) ?? {};
  if (place.parameters !== undefined) checkParameter(report, { spec, type }, place.parameters, at);
  return {
    index: spec.index,
    type,
    ...(spec.label ? { label: spec.label } : {}),
    ...length,
  };
}

/** What a path leads to; its type is what the node's kernel says, where that is known. */
function ofPath(
  report: Report,
  spec: ArgSpec,
  path: ReturnType<typeof lowerPath>,
  place: OnePlace,
): Arg | undefined {
  const { at, isData } = place;
  const type = typeNamed(spec.type);
  if (type === undefined) {
    refuseType(report, spec.type, place);
    return undefined;
  }
  checkPathType(report, type, `${at}.type`);
  refuseLength(report, { spec, fields: [] }, at);
  return {
    ...{ index: isData ? 0 : spec.index, type },
    ...(spec.label ? { label: spec.label } : {}),
    ...path,
    ...(isData && { isData }),
  };
}

/** Its type is the node's to find; with a length it is a buffer. */
function byFormat(report: Report, spec: ArgSpec, place: LengthPlace): Arg {
  const { index, sizeArgIndex, label } = spec;
  const length =
    sizeArgIndex === undefined ? {} : argKind("char_buf").lowerLength!(report, spec, place);
  return { index, type: "uint64", byFormat: true, ...(label ? { label } : {}), ...length };
}

function refuseType(report: Report, type: string, { at, source }: ArgPlace): void {
  const fix = "docs/reference/policy-fields.md has the types that this version reads";
  if (type === "auto" && source === "tracepoint") {
    const other = "write the parameter's type: what it is, only a format file says";
    report.invalid(`${at}.type`, "is auto, which no raw tracepoint has", other);
    return;
  }
  if (tracepointArgTypes.some((one) => one === type)) {
    report.invalid(`${at}.type`, `${type} is for tracepoints only`, fix);
  } else report.unsupported(`${at}.type`, `${type} is not supported yet`, fix);
}

/** A type that the parameter has not would read memory of the kernel. */
function checkParameter(
  report: Report,
  { spec, type }: { readonly spec: ArgSpec; readonly type: ArgType },
  parameters: readonly (CType | undefined)[],
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

/** Refuses what the type has not; of maxData, as upstream, a warning. */
function refuseLength(
  report: Report,
  { spec, fields }: { readonly spec: Length; readonly fields: readonly (keyof Length)[] },
  at: string,
): void {
  for (const field of ["sizeArgIndex", "returnCopy", "maxData"] as const) {
    if (fields.includes(field) || !spec[field]) continue;
    const types = argTypesWhere(({ lengthFields }) => lengthFields?.includes(field) ?? false);
    const fix = `remove it: only a ${types.join(" or ")} has it`;
    if (field === "maxData") report.warn(`${at}.${field}`, "has no meaning", fix);
    else report.invalid(`${at}.${field}`, "has no meaning", fix);
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
