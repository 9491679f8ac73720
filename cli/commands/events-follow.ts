import { once } from "node:events";
import { resolve } from "node:path";
import { followFile } from "@guardbee/agent/follow-file";
import { systemClock } from "@guardbee/kube/clock";
import { type Command, exit } from "../command.ts";

export type EventsFollowArgs = {
  readonly file: string;
  readonly from: "start" | "end";
};

export const eventsFollow: Command<EventsFollowArgs> = {
  name: "events follow",
  positionals: "<file>",
  summary: "Copy the lines of the agent's event file to standard output, across rotations",
  examples: [
    "events follow /var/run/guardbee/events.log",
    "events follow --from end /var/run/guardbee/events.log",
  ],
  options: (yargs) =>
    yargs
      .positional("file", { type: "string", demandOption: true, describe: "May not exist yet" })
      .option("from", {
        choices: ["start", "end"] as const,
        default: "start" as const,
        describe: "Where to start in the file that is there",
      }),
  async run({ file, from }, io) {
    const onLines = async (lines: Buffer) => {
      if (!io.stdout.write(lines)) await once(io.stdout, "drain", { signal: io.signal });
    };
    const options = { path: resolve(io.cwd, file), from, onLines, clock: systemClock };
    try {
      await followFile(options, io.signal);
    } catch (error) {
      if (!io.signal.aborted) throw error;
    }
    return exit.ok;
  },
};
