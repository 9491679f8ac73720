import { join } from "node:path";
import { layout } from "../gen/layout.ts";
import { bytesOf } from "../layout/struct.ts";
import type { Loader } from "./loader.ts";
import type { KernelError } from "./native.ts";
import { reuseShared } from "./tracking.ts";

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

/** Throws such an error where `objects` are not what this code was made for; they come of one build. */
export function assertOwnObjects({ native, objects, shared }: Loader): void {
  const object = native.openObject(join(objects, "fentry.bpf.o"));
  try {
    reuseShared(object, shared);
    object.setGlobal("spec", bytesOf(layout.hook_spec, { words: 1 }));
  } finally {
    object.close();
  }
}
