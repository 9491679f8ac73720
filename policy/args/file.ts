import { ofPath } from "./file-path.ts";
import type { ArgKind } from "./kind.ts";

/** A `struct file *`, by its path. */
export const file = {
  ...ofPath,
  instead: "use type fd, or hook the kernel function behind it: programs pass no struct file",
  parameters: ["struct file *"],
  standsFor: "file",
} as const satisfies ArgKind;
