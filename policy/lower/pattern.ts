import { quote } from "../suggest.ts";

const maxBytes = 256;
/** Each may try every length: with few of them no pattern takes long for a function's name. */
const maxRepeats = 3;

/**
 * Why `pattern` is none that selects functions; undefined: it is one. Of regular expressions those are
 * taken that mean the same in Go, which upstream's are written for, and here, and that take little
 * time for any name: a node goes through all functions of its kernel with them.
 */
export function whyNotPattern(
  pattern: string,
): { readonly what: string; readonly fix: string } | undefined {
  const example = "write a regular expression such as ^vfs_(read|write)$";
  if (pattern === "") return { what: "is missing", fix: example };
  if (Buffer.byteLength(pattern) > maxBytes) {
    return { what: `has ${Buffer.byteLength(pattern)} bytes`, fix: `at most ${maxBytes}` };
  }
  const shown = `is ${quote(pattern)}`;
  if (/\(\?|\\[^.$^*+?()[\]{}|\\/wWdD]|\[\[/.test(pattern)) {
    return { what: `${shown}, with what Go and JavaScript understand differently`, fix: example };
  }
  if (/\)[*+{]/.test(pattern)) {
    return { what: `${shown}, which repeats a group`, fix: "repeat single characters only" };
  }
  const repeats = pattern.match(/[*+]|\{\d*,\d*\}/g)?.length ?? 0;
  if (repeats > maxRepeats) {
    return { what: `${shown}, with ${repeats} repetitions`, fix: `at most ${maxRepeats}` };
  }
  try {
    new RegExp(pattern, "u");
    return undefined;
  } catch {
    return { what: `${shown}, which is no regular expression`, fix: example };
  }
}
