import type { Arg } from "../selector-set.ts";
import type { HookCall, OpenFile } from "./event.ts";

/** What a hook reads in one argument; undefined: nothing is there to compare. */
export type ReadArg =
  | { readonly kind: "number"; readonly value: bigint }
  | { readonly kind: "text"; readonly bytes: Uint8Array };

export function readArg(arg: Arg, call: HookCall): ReadArg | undefined {
  switch (arg.type) {
    case "file":
    case "fd": {
      const path = openFile(arg, call)?.path;
      return path === undefined || path === ""
        ? undefined
        : { kind: "text", bytes: new TextEncoder().encode(path) };
    }
    case "char_buf": {
      const parameter = call.parameters[arg.index];
      if (parameter?.kind !== "buffer" || parameter.bytes === undefined) return undefined;
      return { kind: "text", bytes: parameter.bytes };
    }
    default: {
      const parameter = call.parameters[arg.index];
      if (parameter?.kind !== "number") return undefined;
      return { kind: "number", value: narrow(arg.type, parameter.value) };
    }
  }
}

/** The file of an argument of type file, or behind a descriptor given as a number. */
export function openFile(arg: Arg, call: HookCall): OpenFile | undefined {
  const parameter = call.parameters[arg.index];
  if (parameter?.kind === "file") return parameter.file;
  if (parameter?.kind !== "number") return undefined;
  return call.descriptors.get(Number(BigInt.asUintN(32, parameter.value)));
}

function narrow(type: "int" | "uint32" | "int64" | "uint64" | "size_t", value: bigint): bigint {
  switch (type) {
    case "int":
      return BigInt.asIntN(32, value);
    case "uint32":
      return BigInt.asUintN(32, value);
    case "int64":
      return BigInt.asIntN(64, value);
    case "uint64":
    case "size_t":
      return BigInt.asUintN(64, value);
  }
}
