import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import {
  formatProblem,
  lower,
  type NamedSet,
  oneLine,
  parsePolicies,
  setName,
} from "@guardbee/policy";
import { type Assumption, assumptions, Replay } from "@guardbee/policy/replay";
import {
  type Command,
  type ExitCode,
  exit,
  type Io,
  standardInput,
  UsageError,
} from "../command.ts";
import { EventReader, type ReadEvent } from "../event-reader.ts";
import { type ColorWish, wantsColor } from "../paint.ts";
import { readPolicies } from "../read-policies.ts";
import { formatSummary, Tally } from "../replay/tally.ts";
import { compactVerdicts, jsonVerdicts, type ReplayedLine } from "../replay/verdict-lines.ts";

export type ReplayArgs = {
  readonly events: readonly string[];
  readonly policy: readonly string[];
  readonly recordedBy: readonly string[];
  readonly assume: readonly Assumption[];
  readonly output: "text" | "json" | "compact";
  readonly color: ColorWish;
};

export const replay: Command<ReplayArgs> = {
  name: "replay",
  positionals: "[events..]",
  completes: "file",
  summary: "Show what policies would have done about recorded events",
  examples: [
    "replay --policy config/examples/deny-tmp-forbidden-write.yaml events.log",
    "replay --policy new.yaml --recorded-by old.yaml -o compact < events.log",
  ],
  options: (yargs) =>
    yargs
      .positional("events", {
        type: "string",
        array: true,
        describe:
          "Files of JSON lines, also .gz, or - for standard input, which is read without one",
      })
      .option("policy", {
        ...({ type: "string", array: true, nargs: 1, demandOption: true } as const),
        describe: "A file or folder of the policies to decide by",
      })
      .option("recorded-by", {
        ...({ type: "string", array: true, nargs: 1, default: [] as string[] } as const),
        describe: "A file or folder of those that were in force, where they were others",
      })
      .option("assume", {
        ...({ choices: assumptions, array: true, nargs: 1, default: [] as Assumption[] } as const),
        describe:
          "names: programs were started by the paths of their files; credentials, namespaces: as at exec",
      })
      .option("output", {
        ...{ alias: "o", choices: ["text", "json", "compact"] as const, default: "text" as const },
        describe: "text: how many; json, compact: a line for each event of which something comes",
      })
      .option("color", {
        ...{ choices: ["auto", "always", "never"] as const, default: "auto" as const },
        describe: "Colours in compact lines",
      })
      .epilogue(
        "Ends with 0: done, 1: a policy is refused, or nothing is an event, 2: wrongly called.",
      ),
  async run(args, io) {
    const sets = await readSets(args.policy, io);
    const recordedBy = await readSets(args.recordedBy, io);
    if (sets === undefined || recordedBy === undefined) return exit.rejected;
    const replayed = new Replay(sets, { recordedBy, assumed: new Set(args.assume) });
    const tally = new Tally(sets);
    const printed = printerOf(args, io);
    const read = await readAll(args.events, io, async ({ event: raw }) => {
      const line = { raw, ...replayed.take(raw) };
      tally.take(line);
      if (!printed(line)) await io.stdout.drained(io.signal);
    });
    const out = args.output === "text" ? io.stdout : io.stderr;
    out.write(formatSummary(tally, io.stdoutColumns));
    return read;
  },
};

/** undefined: some policy is refused, which is said. */
async function readSets(
  paths: readonly string[],
  io: Io,
): Promise<readonly NamedSet[] | undefined> {
  const files = await readPolicies(paths, io);
  const problems: string[] = [];
  const sets = files.flatMap(({ file, content }) => {
    const parsed = parsePolicies(content, file);
    problems.push(...parsed.problems.map(formatProblem));
    return parsed.policies.flatMap(({ result, locate }) => {
      if (!result.ok) return [];
      const lowered = lower(result.value);
      if (lowered.ok) return [{ name: setName(lowered.value.policy), set: lowered.value }];
      problems.push(...lowered.problems.map((one) => formatProblem(locate(one))));
      return [];
    });
  });
  if (sets.length === 0 && problems.length === 0 && paths.length > 0) {
    problems.push(
      `${paths.join(", ")}: has no policy; name a file with a TracingPolicy or ExecPolicy`,
    );
  }
  for (const problem of problems) io.stderr.write(`guardbee replay: ${oneLine(problem)}\n`);
  return problems.length === 0 ? sets : undefined;
}

/** false: standard output takes no more for now. */
function printerOf({ output, color }: ReplayArgs, io: Io): (line: ReplayedLine) => boolean {
  switch (output) {
    case "text":
      return () => true;
    case "json":
      return (line) => jsonVerdicts(line).every((text) => io.stdout.write(`${text}\n`));
    case "compact": {
      const colors = wantsColor(color, io);
      return (line) => compactVerdicts(line, colors).every((text) => io.stdout.writeLine(text));
    }
  }
}

type Take = (read: ReadEvent<object>) => Promise<void>;

async function readAll(paths: readonly string[], io: Io, take: Take): Promise<ExitCode> {
  const sources = paths.length === 0 ? [standardInput] : paths;
  if (sources.includes(standardInput) && !io.stdinIsPiped && paths.length === 0) {
    throw new UsageError("name a file of events, or give them on standard input");
  }
  let code: ExitCode = exit.ok;
  for (const path of sources) {
    const name = path === standardInput ? "-" : path;
    const say = (what: string) =>
      io.stderr.write(`guardbee replay: ${oneLine(`${name}: ${what}`)}\n`);
    const reader = new EventReader<object>(parseObject);
    try {
      const source = path === standardInput ? io.stdin : open(resolve(io.cwd, path));
      for await (const read of reader.read(source)) await take(read);
    } catch (error) {
      if (io.signal.aborted) return exit.ok;
      if (
        !(error instanceof Error) ||
        !("code" in error || error.message.startsWith("a line of"))
      ) {
        throw error;
      }
      say(`cannot be read: ${error.message}`);
      code = exit.rejected;
    }
    const note = reader.skippedNote();
    if (note !== undefined) say(note);
    if (reader.events === 0) {
      if (note === undefined && code === exit.ok) say("has no event");
      code = exit.rejected;
    }
  }
  return code;
}

const eventKey = /^(process_\w+|test|rate_limit_info)$/;

/** undefined: the line is no event. */
function parseObject(line: string): object | undefined {
  try {
    const raw: unknown = JSON.parse(line);
    if (typeof raw !== "object" || raw === null) return undefined;
    return Object.keys(raw).some((key) => eventKey.test(key)) ? raw : undefined;
  } catch {
    return undefined;
  }
}

function open(path: string): Readable {
  const file = createReadStream(path);
  if (!path.endsWith(".gz")) return file;
  const whole = createGunzip();
  pipeline(file, whole).catch((error: Error) => whole.destroy(error));
  return whole;
}
