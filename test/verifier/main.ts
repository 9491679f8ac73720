// Loads every program in a guest of each kernel, keeps what the verifier went through, rewrites the page.
//   node test/verifier/main.ts [--check] [RUN...]   the runs are in results.ts
// With --check it keeps nothing: a run fails where a program is too near to a limit.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runInGuest } from "../e2e/lab/guest.ts";
import {
  formatVerified,
  type Results,
  type RunName,
  resultsFile,
  runNames,
  runs,
} from "./results.ts";

const tests = new URL("../../agent/kernel/verified.guest.test.ts", import.meta.url).pathname;
const page = new URL("../../docs/reference/verifier.md", import.meta.url);

async function main(args: readonly string[]): Promise<number> {
  const named = args.filter((arg) => arg !== "--check");
  const unknown = named.find((name) => !runNames.includes(name as RunName));
  if (unknown !== undefined) throw new Error(`run ${unknown}: is unknown; one of ${runNames}`);
  const isCheck = args.includes("--check");
  let failed = false;
  for (const name of named.length > 0 ? (named as readonly RunName[]) : runNames) {
    const seen = await resultsOf(name);
    if (seen === undefined) failed = true;
    else if (!isCheck) writeFileSync(resultsFile(name), `${JSON.stringify(seen, undefined, 2)}\n`);
  }
  if (!failed && !isCheck) writeFileSync(page, formatVerified());
  return failed ? 1 : 0;
}

/** What a guest of that run saw; undefined where a program is beyond what the test allows. */
async function resultsOf(name: RunName): Promise<Results | undefined> {
  const out = mkdtempSync("/tmp/guardbee-verified-");
  console.log(`== ${name}`);
  const { exitCode, console: kernelLog } = await runInGuest({
    ...runs[name],
    command: ["node", "--test", "--test-reporter=spec", tests],
    env: { GUARDBEE_VERIFIED_RESULTS: "/out/results.json" },
    ...{ writableDir: out, timeoutMs: 1_500_000, onOutput: (text) => process.stdout.write(text) },
  });
  if (exitCode === undefined) console.log(kernelLog);
  const seen = exitCode === 0 ? readFileSync(join(out, "results.json"), "utf8") : undefined;
  rmSync(out, { recursive: true });
  return seen === undefined ? undefined : JSON.parse(seen);
}

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
process.exitCode = await main(process.argv.slice(2));
