import { codeName, GrpcError } from "@guardbee/agent/grpc-client";
import type { Argv } from "yargs";
import { type Command, type ExitCode, exit, type Io, UsageError } from "../command.ts";
import { type ConnectionArgs, connectionOptions } from "./connection.ts";

type TetraCommand<Args> = Omit<Command<Args>, "options" | "run" | "examples"> & {
  readonly example: string;
  /** Its own, beside those of the connection. */
  readonly options?: (yargs: Argv) => unknown;
  readonly run: (args: Args & ConnectionArgs, io: Io) => Promise<void>;
};

/**
 * A command of upstream's client. It ends with 0, or with 1 and `Error: ...` on standard error, whatever
 * was wrong, as there.
 */
export function tetraCommand<Args = unknown>(command: TetraCommand<Args>): Command {
  const { example, options, run, ...rest } = command;
  return {
    ...rest,
    examples: [example],
    options: (yargs) => {
      const own = connectionOptions(yargs);
      options?.(own as Argv);
    },
    async run(args, io): Promise<ExitCode> {
      try {
        await run(args as Args & ConnectionArgs, io);
        return exit.ok;
      } catch (error) {
        if (io.signal.aborted && error === io.signal.reason) return exit.ok;
        const message = messageOf(error);
        if (message === undefined) throw error;
        io.stderr.write(`Error: ${message}\n`);
        return exit.rejected;
      }
    },
  };
}

/** Undefined: it is a bug. */
function messageOf(error: unknown): string | undefined {
  if (error instanceof GrpcError) {
    return `rpc error: code = ${codeName(error.code)} desc = ${error.message}`;
  }
  if (error instanceof UsageError) return error.message;
  const isSystems = error instanceof Error && "syscall" in error;
  return isSystems ? error.message : undefined;
}

/** Options of one text, a list, or yes and no. */
export const aText = (describe: string, byDefault = "") =>
  ({ type: "string", default: byDefault, describe }) as const;
export const texts = (describe: string) =>
  ({ type: "string", array: true, nargs: 1, default: [] as string[], describe }) as const;
export const aSwitch = (describe: string, byDefault = false) =>
  ({ type: "boolean", default: byDefault, describe }) as const;
export const anOutput = {
  alias: "o",
  choices: ["text", "json"] as const,
  default: "text" as const,
  describe: "text: for people; json: the answer as it is",
};
