// Makes every attempt in a guest of each kernel, keeps what came of it, and rewrites the page.
//   node test/e2e/bypass/main.ts [--check] [RUN...]   the runs are in results.ts
// With --check it writes nothing, and fails when something else came of it than is kept.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { runInGuest } from "../lab/guest.ts";
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
  const named = args.filter((arg) => arg !== "--check");
  const unknown = named.find((name) => !runNames.includes(name as RunName));
  if (unknown !== undefined) throw new Error(`run ${unknown}: is unknown; one of ${runNames}`);
  let failed = false;
  for (const name of named.length > 0 ? (named as readonly RunName[]) : runNames) {
    const seen = await resultsOf(name);
    if (seen === undefined) failed = true;
    else if (!args.includes("--check")) keep(name, seen);
    else if (!isKept(name, seen)) failed = true;
  }
  if (!failed && !args.includes("--check")) writeFileSync(page, formatBypasses());
  return failed ? 1 : 0;
}

/** What a guest of that run saw; undefined where that is not what the attempts expect. */
async function resultsOf(name: RunName): Promise<Results | undefined> {
  const out = mkdtempSync("/tmp/guardbee-bypass-");
  console.log(`== ${name}`);
  const { exitCode, console: kernelLog } = await runInGuest({
    ...runs[name],
    command: ["node", "--test", "--test-reporter=spec", tests],
    env: { GUARDBEE_ATTEMPTS: "all", GUARDBEE_ATTEMPTS_RESULTS: "/out/results.json" },
    ...{ writableDir: out, timeoutMs: 1_500_000, onOutput: (text) => process.stdout.write(text) },
  });
  if (exitCode === undefined) console.log(kernelLog);
  const seen = exitCode === 0 ? readFileSync(join(out, "results.json"), "utf8") : undefined;
  rmSync(out, { recursive: true });
  return seen === undefined ? undefined : JSON.parse(seen);
}

function keep(name: RunName, seen: Results): void {
  mkdirSync(new URL(".", resultsFile(name)), { recursive: true });
  writeFileSync(resultsFile(name), `${JSON.stringify(seen, undefined, 2)}\n`);
}

function isKept(name: RunName, seen: Results): boolean {
  const kept: Results = JSON.parse(readFileSync(resultsFile(name), "utf8"));
  if (isDeepStrictEqual(kept.results, seen.results)) return true;
  console.log(`results/${name}.json: has something else; run make bypasses`);
  return false;
}

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
process.exitCode = await main(process.argv.slice(2));
