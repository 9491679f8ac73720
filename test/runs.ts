// Commands that test, and what they count.
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

export type Count = {
  readonly passed: number;
  readonly failed: number;
  /** What the failed ones said. */
  readonly failures: string;
};

/** Takes a stage's output as it comes. */
export type Print = (text: string) => void;

export async function nodeTests(
  pattern: string,
  print: Print,
  { without = [], ...options }: { readonly without?: readonly string[] } & RunOptions = {},
): Promise<Count> {
  const files = testFiles(pattern).filter((file) => !without.some((part) => file.includes(part)));
  if (files.length === 0) return { passed: 0, failed: 0, failures: "" }; // node would run them all
  return countOf(await run(["node", ...testFlags, ...files], print, options));
}

export function testFiles(pattern: string): readonly string[] {
  return globSync(pattern, {
    cwd: root,
    exclude: (path) => path.includes("node_modules"),
  }).sort();
}

/** The counts of all, one after the other. */
export async function inTurn<T>(
  all: readonly T[],
  test: (one: T) => Promise<Count>,
): Promise<Count> {
  const counts: Count[] = [];
  for (const one of all) counts.push(await test(one));
  return sum(counts);
}

export function sum(counts: readonly Count[]): Count {
  return {
    passed: counts.reduce((total, { passed }) => total + passed, 0),
    failed: counts.reduce((total, { failed }) => total + failed, 0),
    failures: counts.map(({ failures }) => failures).join(""),
  };
}

export const testFlags = ["--test", "--test-reporter=spec", "--test-concurrency=3"];

/** The counts and failures that node's spec reporter ends with; a run that printed none failed. */
export function countOf({ code, output }: { code: number; output: string }): Count {
  const count = (word: string) =>
    Number(output.match(new RegExp(`^ℹ ${word} (\\d+)`, "m"))?.[1] ?? 0);
  const [passed, failed] = [count("pass"), count("fail") + count("cancelled")];
  if ((code !== 0 || passed === 0) && failed === 0)
    return { passed, failed: 1, failures: output.slice(-4_000) };
  const told = output.indexOf("✖ failing tests:");
  return { passed, failed, failures: told < 0 ? "" : output.slice(told) };
}

export type RunOptions = {
  /** What overruns it is asked to end, so that it cleans up, and has failed. */
  readonly limitMs?: number;
  /** Beside our own. */
  readonly env?: Readonly<Record<string, string>>;
};

export function run(
  command: readonly string[],
  print: Print,
  { limitMs, env = {} }: RunOptions = {},
): Promise<{ code: number; output: string }> {
  const [program, ...args] = command;
  const child = spawn(program!, args, {
    ...{ cwd: root, env: { ...process.env, ...env } },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let overran = false;
  const end = () => {
    overran = true;
    print(`${program}: takes longer than ${limitMs! / 60_000} minutes; ending it\n`);
    child.kill("SIGTERM");
  };
  const timer = limitMs === undefined ? undefined : setTimeout(end, limitMs);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    print(text);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code: overran ? 1 : (code ?? 1), output }); // node may end with 0 when it is asked to
    });
  });
}
