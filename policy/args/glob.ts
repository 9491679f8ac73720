import { canonicalTexts } from "../lower/canonical.ts";
import type { Report } from "../lower/report.ts";
import { quote } from "../suggest.ts";
import { mostPathBytes } from "./length.ts";

/** Longest pattern: as with values of other operators. */
const mostBytes = 252;

/** Of a pattern: a byte as it is, any text within a folder, any text across folders. */
export type GlobPart = { readonly byte: number } | "star" | "starstar";

/** The parts of a pattern, which has been checked. */
export function globParts(pattern: string): readonly GlobPart[] {
  return pattern.split(/(\*+)/).flatMap((text): readonly GlobPart[] => {
    if (text.startsWith("*")) return [text.length === 1 ? "star" : "starstar"];
    return [...Buffer.from(text)].map((byte) => ({ byte }));
  });
}

/** Checks patterns, which are put into canonical order. */
export function parseGlobs(
  report: Report,
  values: readonly string[],
  { at }: { readonly at: string },
): readonly string[] {
  for (const [i, value] of values.entries()) checkGlob(report, value, `${at}[${i}]`);
  return canonicalTexts(values);
}

function checkGlob(report: Report, value: string, at: string): void {
  const bytes = Buffer.byteLength(value);
  const is = `is ${quote(value)}`;
  if (!value.startsWith("/")) {
    report.invalid(at, `${is}, which matches nothing`, "write the path from / on: /usr/bin/*");
  } else if (value.includes("\0")) {
    report.invalid(at, is, "remove the NUL: no path holds one");
  } else if (bytes > mostBytes) {
    report.invalid(
      at,
      `has ${bytes} bytes`,
      `at most ${mostBytes}: the kernel's maps hold no more`,
    );
  } else if (value.includes("***")) {
    report.invalid(at, is, "write * (within a folder) or ** (across folders)");
  } else if (/[?[\]{}\\]/.test(value)) {
    const fix = "only * and ** stand for others; write such a path under paths";
    report.invalid(at, `${is}, with one of ? [ ] { } \\`, fix);
  } else if (/\/(\.{1,2})?(\/|$)/.test(value)) {
    report.invalid(
      at,
      `${is}, which no path is`,
      "write it without //, . and .., and a name at its end",
    );
  }
}

/** Whether a path is as one of the patterns says. One that is longer than can be told is as none. */
export function globMatches(path: Uint8Array, values: readonly string[]): boolean {
  return path.length <= mostPathBytes && values.some((value) => globMatch(path, value));
}

/**
 * Whether a path is as the pattern says. An automaton, not a regular expression: an operator asks it
 * of others' patterns, and one that is made hard to match costs no more than its length.
 */
export function globMatch(path: Uint8Array, pattern: string): boolean {
  const parts = globParts(pattern);
  let states = withSkipped(new Set([0]), parts);
  for (const byte of path) {
    const next = new Set<number>();
    for (const state of states) {
      const part = parts[state];
      if (part === "starstar" || (part === "star" && byte !== slash)) next.add(state);
      else if (typeof part === "object" && part.byte === byte) next.add(state + 1);
    }
    states = withSkipped(next, parts);
  }
  return states.has(parts.length);
}

const slash = 0x2f;

/** With those behind stars, which may stand for nothing. */
function withSkipped(states: Set<number>, parts: readonly GlobPart[]): Set<number> {
  for (const state of states) if (typeof parts[state] === "string") states.add(state + 1);
  return states;
}
