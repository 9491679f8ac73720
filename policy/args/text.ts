import { canonicalTexts } from "../lower/canonical.ts";
import { maxPathBytes } from "../lower/limits.ts";
import type { Report } from "../lower/report.ts";
import type { ArgOperator } from "./kind.ts";

/** Says what is wrong with one value. `whole`: it is not the beginning of a text only. */
export type CheckText = (
  report: Report,
  value: string,
  place: { readonly at: string; readonly whole: boolean },
) => void;

/** Says what is wrong with a value for bytes that are in memory. */
export function checkBytes(report: Report, value: string, { at }: { readonly at: string }): void {
  const bytes = Buffer.byteLength(value);
  if (bytes === 0) report.invalid(at, "is empty", "write at least one character");
  if (bytes <= maxPathBytes) return;
  const fix = `at most ${maxPathBytes}: the kernel's maps hold no more`;
  report.invalid(at, `has ${bytes} bytes`, fix);
}

/** The operators of a type that has a text as a facet of that name. */
export function operatorsOnText(facet: string, check: CheckText) {
  const compare = (form: "equal" | "prefix", negated: boolean): ArgOperator<Uint8Array> => ({
    facet,
    form,
    negated,
    parse: (report, values, { at }) => {
      const whole = form === "equal";
      values.forEach((value, i) => {
        check(report, value, { at: `${at}[${i}]`, whole });
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
  };
}

const lists = {
  equal: (bytes: Uint8Array, value: Buffer) => value.equals(bytes),
  prefix: (bytes: Uint8Array, value: Buffer) => value.equals(bytes.subarray(0, value.length)),
} as const;
