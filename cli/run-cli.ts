import { indented } from "@guardbee/policy/printable";
import yargs, { type Argv } from "yargs";
import {
  type Command,
  type ExitCode,
  exit,
  type Io,
  standardInput,
  UsageError,
} from "./command.ts";
import { type CommandEntry, clusterCommands, commands, loadCommands } from "./commands.ts";
import manifest from "./package.json" with { type: "json" };
import { tetraAliases, tetraCommands } from "./tetra/commands.ts";

/** What the commands are called as, and which of them there are. */
export type Program = {
  readonly name: string;
  readonly commands: readonly CommandEntry[];
  /** The first word, or two, that stand for others; `help` is `--help`. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Whose way of saying what is wrong: ours, with exit code 2, or upstream's client's. */
  readonly errors?: "upstream's";
};

export const guardbee: Program = { name: "guardbee", commands };
export const tetra: Program = {
  ...{ name: "tetra", commands: tetraCommands, aliases: tetraAliases, errors: "upstream's" },
};
export const kubectlGuardbee: Program = { name: "kubectl guardbee", commands: clusterCommands };

/**
 * Runs one command line and returns its exit code. Help and version go to standard output; what is
 * wrong with the command line goes to standard error, with exit code 2. A bug throws.
 */
export async function runCli(
  given: readonly string[],
  io: Io,
  program: Program = guardbee,
): Promise<ExitCode> {
  if (program === guardbee && given[0] === "tetra") return runCli(given.slice(1), io, tetra);
  const completing = given[0] === asksWhatFollows;
  if (completing && program === guardbee && given[2] === "tetra" && given.length > 3) {
    return runCli([asksWhatFollows, ...given.slice(2)], io, tetra);
  }
  const argv = program.aliases === undefined ? given : inFull(given, program.aliases);
  let code: ExitCode = exit.ok;
  const loaded = await loadCommands(program.commands, argv);
  const parser = createParser(program.name, loaded, io, async (command, args) => {
    code = await command.run(args, io);
  });
  parser.fail((message, error) => {
    if (completing) return; // a line that is still being typed is no mistake
    const ofYargs = error === undefined || error.name === "YError"; // what `coerce` throws, too
    throw ofYargs ? new UsageError(message) : error;
  });
  let printed = "";
  try {
    const line = argv.length === 0 ? ["--help"] : argv.map(withStdinNamed);
    await parser.parseAsync(line, {}, (_error, _args, output) => {
      printed += output;
    });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    if (program.errors === "upstream's") {
      io.stderr.write(`Error: ${indented(error.message)}\n`);
      return exit.rejected;
    }
    const help = `Run ${program.name} --help to see what there is.`;
    io.stderr.write(`guardbee: ${indented(error.message)}\n${help}\n`);
    return exit.usage;
  }
  if (printed !== "") io.stdout.write(`${printed}\n`);
  return code;
}

/** Of yargs: what may follow the words behind it, the first of which is the program. */
const asksWhatFollows = "--get-yargs-completions";

type Aliases = NonNullable<Program["aliases"]>;

function inFull(given: readonly string[], aliases: Aliases): readonly string[] {
  if (given[0] === asksWhatFollows) {
    const [, program = "", ...words] = given;
    const begun = words[0] === "help" && words.length > 1 ? words.slice(1) : words;
    return [asksWhatFollows, program, ...withoutAlias(begun, aliases)];
  }
  if (given[0] === "help") return [...inFull(given.slice(1), aliases), "--help"];
  return withoutAlias(given, aliases);
}

function withoutAlias(given: readonly string[], aliases: Aliases): readonly string[] {
  for (const length of [2, 1]) {
    const words = given.slice(0, length).join(" ");
    if (Object.hasOwn(aliases, words))
      return [...aliases[words]!.split(" "), ...given.slice(length)];
  }
  return given;
}

/** yargs 18 loses a `-` that stands where a list of positionals is taken. */
function withStdinNamed(word: string): string {
  return word === "-" ? standardInput : word;
}

type Dispatch = (command: Command, args: unknown) => Promise<void>;

function createParser(
  programName: string,
  commands: readonly Command[],
  io: Io,
  dispatch: Dispatch,
): Argv {
  const parser = yargs([], io.cwd)
    .scriptName(programName)
    .usage("$0 <command>")
    .version(manifest.version)
    .strict()
    .exitProcess(false)
    .parserConfiguration({ "strip-dashed": true, "strip-aliased": true })
    .demandCommand(1, "name a command")
    .recommendCommands()
    .wrap(100);
  leaveHelpUnrendered(parser);
  for (const [group, members] of grouped(commands)) {
    if (group === "") for (const command of members) add(parser, command, dispatch);
    else addGroup(parser, { group, members, dispatch });
  }
  return parser;
}

/**
 * yargs renders the help of each command that it has begun to run, for the case that the command fails
 * and `fail` shows it, which ours does not: a fifth of the start of an agent.
 */
function leaveHelpUnrendered(parser: Argv): void {
  (parser as unknown as YargsInternals).getInternalMethods().getUsageInstance().cacheHelpMessage =
    () => {};
}

type YargsInternals = {
  getInternalMethods(): { getUsageInstance(): { cacheHelpMessage: () => void } };
};

function add(parser: Argv, command: Command, dispatch: Dispatch): void {
  const word = command.name.split(" ").at(-1);
  parser.command({
    command: `${word} ${command.positionals}`.trim(),
    describe: command.isHidden === true ? false : command.summary,
    builder: (builder: Argv) => {
      for (const example of command.examples) builder.example(`$0 ${example}`, "");
      command.options(builder);
      return builder;
    },
    handler: (args) => dispatch(command, args),
  });
}

type Group = {
  readonly group: string;
  readonly members: readonly Command[];
  readonly dispatch: Dispatch;
};

/** `policy check`, `policy test` hang below a command `policy` that only lists them. */
function addGroup(parser: Argv, { group, members, dispatch }: Group): void {
  const listed = members.filter(({ isHidden }) => isHidden !== true);
  parser.command({
    command: group,
    describe: listed.length > 0 && listed.map(({ summary }) => summary).join("; "),
    builder: (builder: Argv) => {
      for (const command of members) add(builder, command, dispatch);
      return builder.demandCommand(1, `name one of: ${members.map(({ name }) => name).join(", ")}`);
    },
    handler: () => {},
  });
}

/** By first word where there are two; "" for commands of one word. */
function grouped(all: readonly Command[]): ReadonlyMap<string, readonly Command[]> {
  return Map.groupBy(all, ({ name }) => (name.includes(" ") ? (name.split(" ")[0] ?? "") : ""));
}
