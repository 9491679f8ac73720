// Makes every attempt in a guest of each kernel, keeps what came of it, and rewrites the page.
//   node test/e2e/bypass/main.ts [--check] [RUN...]   the runs are in results.ts
// With --check it writes nothing, and fails when something else came of it than is kept.
import { readFileSync, writeFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { keepResults, namedRuns, resultsInGuest } from "../lab/guest-results.ts";
import {
  formatBypasses,
  type Results,
  type RunName,
  resultsFile,
  runNames,
  runs,
} from "./results.ts";

const tests = new URL("attempts.guest.test.ts", import.meta.url).pathname;
const page = new URL("../../../docs/reference/bypasses.md", import.meta.url);

async function main(args: readonly string[]): Promise<number> {
  const isCheck = args.includes("--check");
  let failed = false;
  for (const name of namedRuns(args, runNames)) {
    const seen = await resultsInGuest<Results>(name, runs[name], {
      ...{ tests, results: "GUARDBEE_ATTEMPTS_RESULTS", env: { GUARDBEE_ATTEMPTS: "all" } },
    });
    if (seen === undefined) failed = true;
    else if (!isCheck) keepResults(resultsFile(name), seen);
    else if (!isKept(name, seen)) failed = true;
  }
  if (!failed && !isCheck) writeFileSync(page, formatBypasses());
  return failed ? 1 : 0;
}

function isKept(name: RunName, seen: Results): boolean {
  const kept: Results = JSON.parse(readFileSync(resultsFile(name), "utf8"));
  if (isDeepStrictEqual(kept.results, seen.results)) return true;
  console.log(`results/${name}.json: has something else; run make bypasses`);
  return false;
}

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
process.exitCode = await main(process.argv.slice(2));
