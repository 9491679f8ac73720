import type { Readable } from "node:stream";
import type { Argv } from "yargs";
import type { Output } from "./output.ts";

/** What a command may touch of the world outside; tests pass their own. */
export type Io = {
  readonly stdin: Readable;
  /** Standard input is a pipe, a file or a socket: somebody sends something. Not a terminal or /dev/null. */
  readonly stdinIsPiped: boolean;
  readonly stdout: Output;
  readonly stdoutIsTty: boolean;
  /** Width of the terminal; undefined: none, or nobody knows. */
  readonly stdoutColumns: number | undefined;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Aborted on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
};

/** What `-` on a command line becomes: this path means `Io.stdin`. */
export const standardInput = "/dev/stdin";

/**
 * ok: yes, done. rejected: the answer is no. usage: wrongly called. unreachable: no agent, no cluster.
 * unwritten: the answer is there, and standard output did not take it.
 */
export const exit = { ok: 0, rejected: 1, usage: 2, unreachable: 3, unwritten: 4 } as const;
export type ExitCode = (typeof exit)[keyof typeof exit];

export type Completes = "policy" | "pod" | "node" | "file";

/** One command of `guardbee`; one file each in `commands/`. */
export type Command<Args = unknown> = {
  /** Its words: `getevents`, `policy check`. */
  readonly name: string;
  /** In yargs' notation: `<file>`, `[paths..]`; empty when it takes none. */
  readonly positionals: string;
  /** What its positionals name, for the shell's completion. */
  readonly completes?: Completes;
  /** The first positional that does; default 0. */
  readonly completesFrom?: number;
  /** One line for `--help`. */
  readonly summary: string;
  /** `--help` of its program does not list it. */
  readonly isHidden?: boolean;
  /** Two that run as they stand, without the program's name. */
  readonly examples: readonly string[];
  /** Adds options and positionals; what comes of them is `Args`, in camelCase. */
  options(yargs: Argv): unknown;
  run(args: Args, io: Io): Promise<ExitCode>;
};

/** Options of a whole number in a range; `aPort` is one for what listens. */
export function aNumber(name: string, min: number, max: number) {
  const coerce = (value: unknown) => {
    if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) {
      return value;
    }
    throw new UsageError(`--${name}: takes a whole number from ${min} to ${max}`);
  };
  return { type: "number", coerce } as const;
}

export const aPort = (name: string) => aNumber(name, 0, 65_535);

/** Wrong usage that only a command itself can see: a missing file, a value that is no number. */
export class UsageError extends Error {
  readonly code = "GUARDBEE_USAGE";
}

/** The names of the options that `yargs` has, their other names included. */
export function optionNames(yargs: Argv): readonly string[] {
  const { key, alias } = optionsOf(yargs);
  return [...Object.keys(key), ...Object.values(alias).flat()];
}

/** What yargs itself knows of its options. */
export function optionsOf(yargs: Argv): Options {
  return (yargs as Argv & { getOptions(): Options }).getOptions();
}

type Options = {
  readonly key: Readonly<Record<string, unknown>>;
  readonly alias: Readonly<Record<string, readonly string[]>>;
  /** Names of those that take true and false, a number, or a list. */
  readonly boolean: readonly string[];
  readonly number: readonly string[];
  readonly array: readonly string[];
};
