import { connect, type Socket } from "node:net";
import type { Readable } from "node:stream";
import { oneLine } from "@guardbee/policy/printable";
import { type Command, type ExitCode, exit, type Io, UsageError } from "../command.ts";
import { formatCompact } from "../compact.ts";
import { type EventFilter, matchesFilter, parseEventKind, parsePattern } from "../event-filter.ts";
import { eventKinds } from "../event-line.ts";
import { EventReader, type ReadEvent } from "../event-reader.ts";
import { type ColorWish, wantsColor } from "../paint.ts";

export type GeteventsArgs = {
  readonly output: "json" | "compact";
  readonly color: ColorWish;
  readonly timestamps: boolean;
  readonly serverAddress: string | undefined;
  readonly eventTypes: readonly string[];
  readonly namespace: readonly string[];
  readonly pod: readonly string[];
  readonly process: readonly string[];
  readonly policyNames: readonly string[];
  readonly host: boolean;
};

/** Where the agent streams its events on a node. */
const defaultServerAddress = "unix:///var/run/guardbee/events.sock";

export const getevents: Command<GeteventsArgs> = {
  name: "getevents",
  positionals: "",
  summary: "Print events from standard input, or as they happen from the agent on this machine",
  examples: [
    "getevents -o compact --namespace default",
    "getevents -o compact --pod '^xwing$' < events.log",
  ],
  options: (yargs) =>
    yargs
      .option("output", {
        alias: "o",
        choices: ["json", "compact"] as const,
        default: "json" as const,
        describe: "json: the events, with controls escaped; compact: one line for people",
      })
      .option("color", {
        choices: ["auto", "always", "never"] as const,
        default: "auto" as const,
        describe: "Colours in compact lines; auto: on a terminal",
      })
      .option("timestamps", {
        type: "boolean",
        default: false,
        describe: "Compact lines start with the time",
      })
      .option("server-address", {
        type: "string",
        describe: `The agent's socket; when given, standard input is not read [default: ${defaultServerAddress}]`,
      })
      .option("event-types", {
        ...list("Only these types: PROCESS_EXEC, PROCESS_EXIT, PROCESS_KPROBE, ..."),
        alias: "e",
      })
      .option("namespace", { ...list("Only processes of pods in this namespace"), alias: "n" })
      .option("pod", list("Only processes of pods whose name matches this regular expression"))
      .option("process", list("Only processes whose executable matches this regular expression"))
      .option("policy-names", list("Only events of this policy"))
      .option("host", {
        type: "boolean",
        default: false,
        describe: "Processes outside of pods; with --namespace: these too",
      }),
  async run(args, io) {
    const filter = parseFilter(args);
    const color = wantsColor(args.color, io);
    const { output, timestamps } = args;
    const print = ({ event, text }: ReadEvent): boolean => {
      if (event.kind === "rate_limit_info") {
        const count = oneLine(event.event.text("number_of_dropped_process_events"));
        io.stderr.write(`guardbee getevents: ${count} events were dropped; this reader is slow\n`);
      }
      if (!matchesFilter(event, filter)) return true;
      if (output === "json") return io.stdout.write(`${text.replaceAll("\r", " ")}\n`);
      const compact = formatCompact(event, { color, timestamps });
      return compact === undefined || io.stdout.writeLine(compact);
    };
    if (args.serverAddress === undefined && io.stdinIsPiped)
      return printEvents(io.stdin, print, io);
    return printFromAgent(parseAddress(args.serverAddress ?? defaultServerAddress), print, io);
  },
};

function list(describe: string) {
  return { type: "string", array: true, nargs: 1, default: [] as string[], describe } as const;
}

function parseFilter(args: GeteventsArgs): EventFilter {
  return {
    kinds: args.eventTypes.map((text) => {
      const kind = parseEventKind(text);
      if (kind !== undefined) return kind;
      const known = eventKinds.map((name) => name.toUpperCase()).join(", ");
      throw new UsageError(`--event-types: ${text} is no event type; use one of ${known}`);
    }),
    namespaces: [...args.namespace, ...(args.host ? [""] : [])],
    pods: args.pod.map((text) => parsePattern("--pod", text)),
    processes: args.process.map((text) => parsePattern("--process", text)),
    policies: args.policyNames,
  };
}

function parseAddress(address: string): string {
  if (address.startsWith("unix://")) return address.slice("unix://".length);
  if (address.startsWith("/")) return address;
  const fix = "use unix:// and the path of the agent's socket";
  throw new UsageError(`--server-address: ${address} is no Unix socket; ${fix}`);
}

/** false: standard output takes no more for now. */
type Print = (event: ReadEvent) => boolean;

async function printFromAgent(path: string, print: Print, io: Io): Promise<ExitCode> {
  const socket = connect(path);
  const about = `guardbee getevents: ${oneLine(path)}`;
  try {
    await connected(socket);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const fix = "start guardbee agent, or name its socket with --server-address";
    io.stderr.write(`${about}: no agent is listening (${code}); ${fix}\n`);
    return exit.unreachable;
  }
  const hangUp = () => socket.destroy();
  io.signal.addEventListener("abort", hangUp, { once: true });
  if (io.signal.aborted) hangUp();
  const code = await printEvents(socket, print, io);
  if (io.signal.aborted || code !== exit.ok) return code;
  io.stderr.write(`${about}: the agent hung up\n`);
  return exit.unreachable;
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve());
    socket.once("error", reject);
  });
}

/**
 * Reads no faster than standard output takes it. Lines that are no events are counted and said; a
 * source of nothing else ends with `rejected`, as does one that breaks off with an error.
 */
async function printEvents(source: Readable, print: Print, io: Io): Promise<ExitCode> {
  const reader = new EventReader();
  const say = (text: string) => io.stderr.write(`guardbee getevents: ${text}\n`);
  const stop = () => source.destroy();
  io.signal.addEventListener("abort", stop, { once: true });
  if (io.signal.aborted) stop();
  let broken: string | undefined;
  try {
    for await (const event of reader.read(source)) {
      if (!print(event)) await io.stdout.drained(io.signal);
    }
  } catch (error) {
    broken = error instanceof Error ? error.message : String(error);
  } finally {
    io.signal.removeEventListener("abort", stop);
  }
  const note = reader.skippedNote();
  if (note !== undefined) say(note);
  if (io.signal.aborted) return exit.ok;
  if (broken !== undefined) say(`what it reads broke off: ${oneLine(broken)}`);
  return broken !== undefined || (reader.events === 0 && reader.skipped > 0)
    ? exit.rejected
    : exit.ok;
}
