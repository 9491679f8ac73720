import { onFormat, pathKind } from "./file-path.ts";
import type { ArgKind } from "./kind.ts";

const kind = pathKind("path");

/** A `struct path *`. */
export const path = {
  ...kind,
  operators: { ...kind.operators, ...onFormat },
} as const satisfies ArgKind;
