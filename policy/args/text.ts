import { canonicalTexts } from "../lower/canonical.ts";
import { maxPathBytes, maxPostfixBytes } from "../lower/limits.ts";
import type { Report } from "../lower/report.ts";
import type { ArgOperator } from "./kind.ts";

/** Which part of a text a value is. */
export type Part = "whole" | "beginning" | "end";

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

/**
 * The operators of a type that has a text as a facet of that name; `end`: of the facet that is known
 * where its end is.
 */
export function operatorsOnText(facet: string, check: CheckText, end = facet) {
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
  return {
    Equal: compare("equal", false),
    NotEqual: compare("equal", true),
    Prefix: compare("prefix", false),
    NotPrefix: compare("prefix", true),
    Postfix: compare("postfix", false),
    NotPostfix: compare("postfix", true),
  };
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
