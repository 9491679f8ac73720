import { ofPath } from "./file-path.ts";
import type { ArgKind } from "./kind.ts";

/** A descriptor, by the path of what is open behind it. */
export const fd = {
  ...ofPath,
  parameters: ["int", "unsigned int"],
  standsFor: "descriptor",
  asksFollowed: true,
} as const satisfies ArgKind;
