import { indented, oneLine, printable } from "./printable.ts";

/** Where in a policy, what is wrong there, and what to do about it. */
export type Problem = {
  /** Field path as kubectl writes it: `spec.kprobes[0].args[1].type`. */
  readonly field: string;
  /** What is wrong, with the value. */
  readonly what: string;
  /** What to do next: what is allowed, or what to change. */
  readonly fix: string;
  /** `invalid`: the policy is wrong. `unsupported`: valid upstream, but not in this version. */
  readonly kind: "invalid" | "unsupported";
  /** Known when the policy was read from a file; lines count from 1. */
  readonly file?: string;
  readonly line?: number;
};

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * `file:line: field: what; fix`, without the parts that are not known. Further lines of a part are
 * indented, and nothing in it is an escape: parts quote what somebody wrote.
 */
export function formatProblem({ file, line = 1, field, what, fix }: Problem): string {
  const place = file === undefined ? "" : `${oneLine(file)}:${line}: `;
  return printable(indented(`${place}${oneLine(field)}: ${what}; ${fix}`));
}
