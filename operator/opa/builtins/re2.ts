import { createRequire } from "node:module";

/** The package for regular expressions of RE2, loaded by the first policy that uses one: it is large. */
export function re2(): typeof import("re2js").RE2JS {
  return (createRequire(import.meta.url)("re2js") as typeof import("re2js")).RE2JS;
}
