import type { Builtin } from "./builtin.ts";
import { stringOf } from "./operands.ts";

export const glob: Readonly<Record<string, Builtin>> = {
  "glob.quote_meta": (pattern) => stringOf(pattern).replace(/[\\*?[\]{}]/g, "\\$&"),
};
