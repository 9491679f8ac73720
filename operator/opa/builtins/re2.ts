import { createRequire } from "node:module";

type Re2 = typeof import("re2js").RE2JS;

let loaded: Re2 | undefined;

/** The package for regular expressions of RE2, loaded by the first policy that uses one: it is large. */
export function re2(): Re2 {
  loaded ??= (createRequire(import.meta.url)("re2js") as { RE2JS: Re2 }).RE2JS;
  return loaded; // a glob asks for it at each character
}
