import { canonicalTexts } from "../lower/canonical.ts";
import { maxPathBytes, maxPostfixBytes } from "../lower/limits.ts";
import type { Report } from "../lower/report.ts";
import type { ArgOperator } from "./kind.ts";
import { mostBytes } from "./length.ts";

/** Which part of a text a value is; `any`: it may be anywhere in it. */
export type Part = "whole" | "beginning" | "end" | "any";

/** Says what is wrong with one value. */
export type CheckText = (
  report: Report,
  value: string,
  place: { readonly at: string; readonly part: Part },
) => void;

/** Says what is wrong with a value for bytes that are in memory. */
export function checkBytes(
  report: Report,
  value: string,
  { at, part }: { readonly at: string; readonly part: Part },
): void {
  const bytes = Buffer.byteLength(value);
  if (bytes === 0) report.invalid(at, "is empty", "write at least one character");
  else checkLength(report, bytes, { at, part });
}

/** Says whether a value has more bytes than the kernel's maps hold of that part of a text. */
export function checkLength(
  report: Report,
  bytes: number,
  { at, part }: { readonly at: string; readonly part: Part },
): void {
  const most = part === "end" ? maxPostfixBytes : maxPathBytes;
  if (bytes <= most) return;
  report.invalid(at, `has ${bytes} bytes`, `at most ${most}: the kernel's maps hold no more`);
}

/** What operators on a text look at. */
type Looks = {
  /** The facet that is known where its end is; else the text itself. */
  readonly end?: string;
  /** What is looked through for other texts: what events have of it. */
  readonly shown?: (text: Uint8Array) => Uint8Array;
};

/** The operators of a type that has a text as a facet of that name. */
export function operatorsOnText(
  facet: string,
  check: CheckText,
  { end = facet, shown = firstBytes }: Looks = {},
) {
  const compare = (form: Form, negated: boolean): ArgOperator<Uint8Array> => ({
    ...{ facet: form === "postfix" ? end : facet, form, negated },
    parse: (report, values, { at }) => {
      values.forEach((value, i) => {
        check(report, value, { at: `${at}[${i}]`, part: parts[form] });
      });
      return canonicalTexts(values);
    },
    lists: (bytes, values) => values.some((value) => lists[form](bytes, Buffer.from(value))),
  });
  const within = (ignoresCase: boolean): ArgOperator<Uint8Array> => ({
    ...{ facet, form: "substring", ignoresCase, negated: false },
    ...(ignoresCase && { samples: ["SEC", "rEt", "T", "FORB", "/TMP/", "lO"] }),
    parse: (report, values, { at }) => {
      values.forEach((value, i) => {
        check(report, value, { at: `${at}[${i}]`, part: "any" });
      });
      return canonicalTexts(values);
    },
    lists: (bytes, values) => {
      const text = latin1(shown(bytes), ignoresCase);
      return values.some((value) => text.includes(latin1(Buffer.from(value), ignoresCase)));
    },
  });
  return {
    Equal: compare("equal", false),
    NotEqual: compare("equal", true),
    Prefix: compare("prefix", false),
    NotPrefix: compare("prefix", true),
    Postfix: compare("postfix", false),
    NotPostfix: compare("postfix", true),
    SubString: within(false),
    SubStringIgnCase: within(true),
  };
}

/** As many as events have of a text in memory. */
function firstBytes(text: Uint8Array): Uint8Array {
  return text.subarray(0, mostBytes);
}

/** A character a byte, so that none is found across two; of letters only the ASCII ones have a case. */
function latin1(bytes: Uint8Array, ignoresCase: boolean): string {
  const text = Buffer.from(bytes).toString("latin1");
  return ignoresCase ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text;
}

type Form = keyof typeof lists;

const parts: Readonly<Record<Form, Part>> = {
  equal: "whole",
  prefix: "beginning",
  postfix: "end",
};

const lists = {
  equal: (bytes: Uint8Array, value: Buffer) => value.equals(bytes),
  prefix: (bytes: Uint8Array, value: Buffer) => value.equals(bytes.subarray(0, value.length)),
  postfix: (bytes: Uint8Array, value: Buffer) =>
    value.equals(bytes.subarray(Math.max(0, bytes.length - value.length))),
} as const;
