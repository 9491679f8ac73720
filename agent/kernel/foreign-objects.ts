import type { KernelError } from "./native.ts";

/** By operation, codes that come of an object file which is not what this code was made for. */
const foreign: Readonly<Record<string, readonly string[]>> = {
  "reuse map": ["ENOENT", "EINVAL"],
  "map fd": ["ENOENT"],
  "set global": ["ENOENT", "EINVAL"],
};

/** Whether an error says that BPF objects are missing, or of another version: nothing about the kernel. */
export function isOfForeignObjects(error: unknown): boolean {
  const { op = "", code = "" } = error as Partial<KernelError>;
  return op === "open" || foreign[op]?.includes(code) === true;
}
