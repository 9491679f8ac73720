import { checkLength, type Part } from "../args/text.ts";
import { quote } from "../suggest.ts";
import { maxPathBytes } from "./limits.ts";
import type { Report } from "./report.ts";

/**
 * A path as the kernel compares it, or that part of one: not empty, without NUL, and no longer than its
 * maps hold. Warns of what no path of the kernel is.
 */
export function checkPath(
  report: Report,
  value: string,
  { at, part }: { readonly at: string; readonly part: Part },
): void {
  const bytes = Buffer.byteLength(value);
  if (bytes === 0) {
    report.invalid(at, "is empty", "write at least one character, such as /");
  } else if (value.includes("\0")) {
    report.invalid(at, `is ${quote(value)}`, "remove the NUL: no path holds one");
  } else {
    checkLength(report, bytes, { at, part });
    const odd = bytes > maxPathBytes ? undefined : whyNoPath(value, part);
    if (odd !== undefined) report.warn(at, `is ${quote(value)}, ${odd[0]}`, odd[1]);
  }
}

/** As in limits.h, without the NUL. */
const mostOpenedBytes = 4095;

/** A file that a node opens: its path from / on. */
export function checkFilePath(report: Report, value: string, at: string): void {
  const fix = "write the path from / on, of the node or of a container";
  if (!value.startsWith("/")) {
    report.invalid(at, `is ${quote(value)}, which is relative`, fix);
  } else if (value.includes("\0")) {
    report.invalid(at, `is ${quote(value)}`, "remove the NUL: no path holds one");
  } else if (Buffer.byteLength(value) > mostOpenedBytes) {
    report.invalid(at, `has ${Buffer.byteLength(value)} bytes`, `at most ${mostOpenedBytes}`);
  } else if (value.endsWith("/")) report.invalid(at, `is ${quote(value)}, a folder`, fix);
}

const normal = "write the path that it leads to: the kernel compares paths without . .. and //";

/** Why no file has this path, and what to write; undefined: one may have. */
function whyNoPath(value: string, part: Part): readonly [what: string, fix: string] | undefined {
  if (value !== value.trim()) return ["with a blank at its end", "remove the blank"];
  if (/^~|\$(\{|[A-Za-z_])/.test(value)) {
    return ["which no shell expands here", "write the path itself"];
  }
  const whole = part === "whole";
  if ((whole || part === "beginning") && !value.startsWith("/")) {
    return ["which is relative and matches nothing", "write the path from / on"];
  }
  if (/[*?]|\{[^}]*,[^}]*\}|\[[^\]/]+\]/.test(value)) {
    const fix = "write the path itself, or operator Prefix with what stands before it";
    return ["which is compared as it is: there are no wildcards", fix];
  }
  if (/\/(\.{1,2})?\//.test(value)) return ["which is not a normal path", normal];
  if (whole && /\/\.{1,2}$/.test(value)) return ["which is not a normal path", normal];
  if (whole && value.length > 1 && value.endsWith("/")) {
    return ["and no path ends with /", "remove the /, or use operator Prefix"];
  }
  return undefined;
}
