/**
 * For node:test's `skip`: `why` a test cannot run here, or false. Where every test must run - in CI, and
 * in test/run.ts, which sets GUARDBEE_TESTS=all - it throws instead: nobody reads that tests were
 * skipped.
 */
export function skipReason(why: string | false): string | false {
  const { CI, GUARDBEE_TESTS } = process.env;
  if (why !== false && (CI || GUARDBEE_TESTS === "all")) throw new Error(why);
  return why;
}
