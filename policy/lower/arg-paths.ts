import type { Static } from "typebox";
import { type Arg, argKind, argTypesWhere, pathSources } from "../args/index.ts";
import type { ArgKind, ArgSource } from "../args/kind.ts";
import { parseBtfPath } from "../btf-path.ts";
import { isRegister } from "../registers.ts";
import type { arg as argSchema } from "../schema/arg.ts";
import type { Immutable } from "../schema/dsl.ts";
import { quote } from "../suggest.ts";
import type { Report } from "./report.ts";

type ArgSpec = Immutable<Static<typeof argSchema>>;
type Path = Pick<Arg, "resolve" | "source" | "btfType" | "btfTypeModule">;

/** Fields of an entry of `args` or `data` that say where it is read. */
export const pathFields = ["resolve", "source", "btfType", "btfTypeModule"] as const;

export type PathPlace = {
  readonly at: string;
  readonly source: ArgSource;
  readonly isData: boolean;
  /** The record of a tracepoint is read, and not its parameters. */
  readonly hasFormat: boolean;
  readonly namespaced: boolean;
};

/** Where an entry of `args` or `data` is read; nothing: in the parameter itself. */
export function lowerPath(report: Report, spec: ArgSpec, place: PathPlace): Path {
  const { at, isData } = place;
  const { resolve = "", source = "", btfType = "", btfTypeModule = "" } = spec;
  if (isData) checkSource(report, spec, place);
  else if (source !== "") {
    const fix = "remove it, or write the entry in data: args are what the call hands over";
    report.invalid(`${at}.source`, `is ${quote(source)}`, fix);
  }
  if (resolve === "") {
    const what = isData ? "is missing" : undefined;
    if (what) report.invalid(`${at}.resolve`, what, "write what to read of it: cred.uid.val");
    for (const field of ["btfType", "btfTypeModule"] as const) {
      if (!spec[field]) continue;
      const fix = "add resolve, a member of that struct, or remove it";
      report.invalid(`${at}.${field}`, "has no meaning without resolve", fix);
    }
    return {};
  }
  if (place.namespaced) {
    const fix = "remove it, or use the kind without Namespaced";
    report.invalid(
      `${at}.resolve`,
      "reads memory of the kernel, which is not for policies of one namespace",
      fix,
    );
  }
  if (!isData) checkRoot(report, place);
  checkText(report, { resolve, source, btfType, btfTypeModule }, place);
  const known = pathSources.find((one) => one === source);
  return {
    resolve,
    ...(isData && known !== undefined && { source: known }),
    ...(btfType !== "" && { btfType: btfType.replace(/^struct\s+/, "") }),
    ...(btfTypeModule !== "" && { btfTypeModule }),
  };
}

function checkSource(report: Report, { source = "" }: ArgSpec, { at, source: of }: PathPlace) {
  const fix = `write ${pathSources.join(" or ")}, and in resolve what of it`;
  if (!pathSources.some((one) => one === source)) {
    const what = source === "" ? "is missing" : `is ${quote(source)}`;
    report.invalid(`${at}.source`, what, fix);
  } else if (source === "pt_regs" && of === "kernel function") {
    const other = "hook a system call, whose registers are kept, or write the parameter in args";
    report.unsupported(`${at}.source`, "pt_regs is not supported yet of a kernel function", other);
  }
}

/** What a parameter points to must be of the kernel. */
function checkRoot(report: Report, { at, source, hasFormat }: PathPlace): void {
  const field = `${at}.resolve`;
  if (hasFormat) {
    const fix = "remove it, or write raw: true: a field of a record is a value";
    report.invalid(field, "has no meaning for a field of a tracepoint", fix);
  } else if (source === "system call") {
    const fix = "hook the kernel function that gets the struct, or write data of current_task";
    report.unsupported(field, "is not supported yet of what a process hands over", fix);
  } else if (source === "program's function") {
    const fix = "remove it, or write data of current_task";
    report.unsupported(field, "is not supported yet of a program's memory", fix);
  }
}

type Given = Readonly<Record<(typeof pathFields)[number], string>>;

function checkText(report: Report, given: Given, { at }: PathPlace): void {
  const { resolve, source, btfType, btfTypeModule } = given;
  if (source === "pt_regs") {
    const fix = "write a register such as rdi, or on arm64 x0";
    if (!isRegister(resolve)) report.invalid(`${at}.resolve`, `is ${quote(resolve)}`, fix);
  } else {
    const steps = parseBtfPath(resolve);
    const fix = "write members of structs, such as mm.owner.comm, or with [N] one of several";
    if (typeof steps === "string") report.invalid(`${at}.resolve`, steps, fix);
  }
  if (btfType !== "" && (source !== "" || !/^(struct\s+)?[A-Za-z_]\w*$/.test(btfType))) {
    const what = source === "" ? `is ${quote(btfType)}` : `has no meaning beside source`;
    report.invalid(`${at}.btfType`, what, "write the struct of a parameter, such as linux_binprm");
  }
  if (btfTypeModule !== "" && (btfType === "" || !/^\w+$/.test(btfTypeModule))) {
    const what = btfType === "" ? "has no meaning without btfType" : `is ${quote(btfTypeModule)}`;
    report.invalid(`${at}.btfTypeModule`, what, "write a module such as nf_tables, beside btfType");
  }
}

/** Says whether what a path leads to can be read as that type. */
export function checkPathType(report: Report, type: Arg["type"], at: string): void {
  if (isPathType(argKind(type))) return;
  const types = argTypesWhere((kind) => isPathType(kind) && kind.unnamed !== true);
  const fix = `what a path leads to is read as ${types.join(", ")}`;
  report.unsupported(at, `${type} is not supported yet beside resolve`, fix);
}

/** Its length is another parameter's to say, or the process's own table has it. */
function isPathType({ lengthFields, insteadOfField, asksFollowed, unnamed }: ArgKind): boolean {
  return (
    lengthFields === undefined &&
    insteadOfField === undefined &&
    asksFollowed !== true &&
    unnamed !== true
  );
}
