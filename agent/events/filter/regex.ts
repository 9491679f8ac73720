import { createRequire } from "node:module";
import type { RE2JS } from "re2js";

/** Whether a text has a match, anywhere in it. */
export type TextTest = (text: string) => boolean;

/**
 * The test that a regular expression makes, in RE2's syntax, which is upstream's. It takes time that
 * is linear in the text, whatever the expression: nobody can hang the agent with one. Throws an Error
 * that says what is wrong with the expression.
 */
export function compileRegex(pattern: string): TextTest {
  const compiled = compileRe2(pattern);
  return (text) => compiled.test(text);
}

/** The expression itself. Throws as `compileRegex` does. */
export function compileRe2(pattern: string): RE2JS {
  // Few agents have an expression, and the package takes long to load.
  const re2 = createRequire(import.meta.url)("re2js") as { RE2JS: typeof RE2JS };
  return re2.RE2JS.compile(pattern);
}

/** What RE2 says of an expression that is none. */
export function regexProblem(error: unknown): string {
  return error instanceof Error
    ? error.message.replace("error parsing regexp: ", "")
    : String(error);
}

/** The test of a text of `T`, made once for each `T`: an image lives through many events. */
export function memoized<T extends object>(
  test: TextTest,
  text: (of: T) => string | undefined,
): (of: T) => boolean {
  const known = new WeakMap<T, boolean>();
  return (of) => {
    const before = known.get(of);
    if (before !== undefined) return before;
    const found = text(of);
    const result = found !== undefined && test(found);
    known.set(of, result);
    return result;
  };
}
