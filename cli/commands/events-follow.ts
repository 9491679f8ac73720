import { resolve } from "node:path";
import { followFile } from "@guardbee/agent/follow-file";
import { systemClock } from "@guardbee/kube/clock";
import { oneLine } from "@guardbee/policy/printable";
import { type Command, exit } from "../command.ts";

export type EventsFollowArgs = {
  readonly file: string;
  readonly from: "start" | "end";
};

/** As the agent tells a reader of its socket. */
function missedLine(count: number, node: string | undefined): string {
  const event = { rate_limit_info: { number_of_dropped_process_events: String(count) } };
  const time = new Date(systemClock.now()).toISOString();
  return `${JSON.stringify({ ...event, ...(node ? { node_name: node } : {}), time })}\n`;
}

export const eventsFollow: Command<EventsFollowArgs> = {
  name: "events follow",
  positionals: "<file>",
  summary:
    "Copy the lines of the agent's event file to standard output, across rotations; says how many it missed",
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
      const { stdout, stdoutIsTty, signal } = io;
      const taken = stdoutIsTty ? stdout.write(lines.toString()) : stdout.writeBytes(lines);
      if (!taken) await stdout.drained(signal);
    };
    const onMissed = (count: number) => onLines(Buffer.from(missedLine(count, io.env.NODE_NAME)));
    const options = { path: resolve(io.cwd, file), from, onLines, onMissed, clock: systemClock };
    try {
      await followFile(options, io.signal);
    } catch (error) {
      if (io.signal.aborted) return exit.ok;
      const why = error instanceof Error ? error.message : String(error);
      io.stderr.write(
        `guardbee events follow: ${oneLine(file)}: cannot be read: ${oneLine(why)}\n`,
      );
      return exit.rejected;
    }
    return exit.ok;
  },
};
