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

const patterns = new Map<string, RegExp>();

/** Whether a path is as one of the patterns says. One that is longer than can be told is as none. */
export function globMatches(path: Uint8Array, values: readonly string[]): boolean {
  if (path.length > mostPathBytes) return false;
  const text = Buffer.from(path).toString("latin1");
  return values.some((value) => regExpOf(value).test(text));
}

function regExpOf(pattern: string): RegExp {
  const known = patterns.get(pattern);
  if (known !== undefined) return known;
  const source = globParts(pattern).map((part) => {
    if (part === "star") return "[^/]*";
    if (part === "starstar") return "[^]*";
    return `\\x${part.byte.toString(16).padStart(2, "0")}`;
  });
  const made = new RegExp(`^${source.join("")}$`);
  patterns.set(pattern, made);
  return made;
}
