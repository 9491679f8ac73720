/** Test support: what test files see in guests, kept in a file for each run. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type GuestRun, runInGuest } from "./guest.ts";

/** The runs that are named in `args`, all where none is. Throws what is no run. */
export function namedRuns<Name extends string>(
  args: readonly string[],
  all: readonly Name[],
): readonly Name[] {
  const isRun = (name: string): name is Name => (all as readonly string[]).includes(name);
  const named = args.filter((arg) => arg !== "--check");
  const unknown = named.find((name) => !isRun(name));
  if (unknown !== undefined) throw new Error(`run ${unknown}: is unknown; one of ${all}`);
  return named.length > 0 ? named.filter(isRun) : all;
}

/**
 * What `tests` write in a guest to the file that the variable `results` of their environment names;
 * undefined where some fail. They print to standard output.
 */
export async function resultsInGuest<Results>(
  name: string,
  guest: Pick<GuestRun, "kernel" | "parameters">,
  {
    tests,
    results,
    env = {},
  }: {
    readonly tests: string;
    readonly results: string;
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<Results | undefined> {
  const out = mkdtempSync("/tmp/guardbee-results-");
  console.log(`== ${name}`);
  const { exitCode, console: kernelLog } = await runInGuest({
    ...guest,
    command: ["node", "--test", "--test-reporter=spec", tests],
    env: { ...env, [results]: "/out/results.json" },
    ...{ writableDir: out, timeoutMs: 1_500_000, onOutput: (text) => process.stdout.write(text) },
  });
  if (exitCode === undefined) console.log(kernelLog);
  const seen = exitCode === 0 ? readFileSync(join(out, "results.json"), "utf8") : undefined;
  rmSync(out, { recursive: true });
  return seen === undefined ? undefined : JSON.parse(seen);
}

/** Writes what was seen where it is kept. */
export function keepResults(file: URL, seen: unknown): void {
  mkdirSync(new URL(".", file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(seen, undefined, 2)}\n`);
}
