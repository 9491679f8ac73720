// Loads every program in a guest of each kernel, keeps what the verifier went through, rewrites the page.
//   node test/verifier/main.ts [--check] [RUN...]   the runs are in results.ts
// With --check it keeps nothing: a run fails where a program is too near to a limit.
import { writeFileSync } from "node:fs";
import { keepResults, namedRuns, resultsInGuest } from "../e2e/lab/guest-results.ts";
import { formatVerified, type Results, resultsFile, runNames, runs } from "./results.ts";

const tests = new URL("../../agent/kernel/verified.guest.test.ts", import.meta.url).pathname;
const page = new URL("../../docs/reference/verifier.md", import.meta.url);

async function main(args: readonly string[]): Promise<number> {
  const isCheck = args.includes("--check");
  let failed = false;
  for (const name of namedRuns(args, runNames)) {
    const results = "GUARDBEE_VERIFIED_RESULTS";
    const seen = await resultsInGuest<Results>(name, runs[name], { tests, results });
    if (seen === undefined) failed = true;
    else if (!isCheck) keepResults(resultsFile(name), seen);
  }
  if (!failed && !isCheck) writeFileSync(page, formatVerified());
  return failed ? 1 : 0;
}

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
process.exitCode = await main(process.argv.slice(2));
