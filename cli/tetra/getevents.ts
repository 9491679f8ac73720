import { Readable } from "node:stream";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  EventType,
  FieldFilterAction,
  type FieldFilterSchema,
  type FilterSchema,
  FineGuidanceSensors,
  type GetEventsRequestSchema,
  GetEventsResponseSchema,
  GrpcError,
  messageJson,
  parseDuration,
} from "@guardbee/agent/grpc-client";
import { type Io, UsageError } from "../command.ts";
import { formatCompact } from "../compact.ts";
import { EventReader, type ReadEvent } from "../event-reader.ts";
import { type ColorWish, wantsColor } from "../paint.ts";
import { aSwitch, aText, tetraCommand, texts } from "./command.ts";
import { type ConnectionArgs, connectAgent, pause } from "./connection.ts";
import { type FilterArgs, type LocalFilter, localFilter } from "./local-filter.ts";
import { ttyBytes } from "./tty-encode.ts";

type GeteventsArgs = FilterArgs & {
  readonly output: "json" | "compact";
  readonly color: ColorWish;
  readonly namespace: readonly string[];
  readonly host: boolean;
  readonly timestamps: boolean;
  readonly ttyEncode: string;
  readonly stackTraces: boolean;
  readonly imaHash: boolean;
  readonly reconnect: boolean;
  readonly reconnectWait: string;
};
type Args = GeteventsArgs & ConnectionArgs;

export const getevents = tetraCommand<GeteventsArgs>({
  ...{ name: "getevents", positionals: "", example: "getevents -o compact --pod xwing" },
  summary: "Print events as they happen, or those on standard input",
  options: (yargs) =>
    yargs
      .option("output", {
        ...{ alias: "o", choices: ["json", "compact"] as const, default: "json" as const },
        describe: "json: the events; compact: a line each for people",
      })
      .option("color", {
        ...{ choices: ["auto", "always", "never"] as const, default: "auto" as const },
        describe: "Colours in compact lines",
      })
      .option("include-fields", { ...aText("Only these fields: a.b,c.d"), alias: "f" })
      .option("exclude-fields", { ...aText("Not these fields: a.b,c.d"), alias: "F" })
      .option("event-types", { ...texts("Only these types: PROCESS_EXEC, ..."), alias: "e" })
      .option("namespace", {
        ...texts("Only processes of pods in this namespace"),
        alias: ["n", "namespaces"],
      })
      .option("namespace-regex", texts("Only of namespaces that this matches"))
      .option("pod", { ...texts("Only of pods whose name this matches"), alias: "pods" })
      .option("process", { ...texts("Only of executables that this matches"), alias: "processes" })
      .option("container", {
        ...texts("Only of containers whose name this matches"),
        alias: "containers",
      })
      .option("host", aSwitch("Processes outside of pods; with --namespace: these too"))
      .option("policy-names", texts("Only events of this policy"))
      .option("cel-expression", texts("Only events for which this holds"))
      .option("timestamps", aSwitch("Compact lines start with the time"))
      .option("tty-encode", { ...aText("Print what is written to this file alone"), alias: "t" })
      .option("stack-traces", aSwitch("Compact lines have them below", true))
      .option("ima-hash", aSwitch("Compact lines of files have it below", true))
      .option("reconnect", aSwitch("When the agent goes away, wait for it"))
      .option("reconnect-wait", aText("How long", "2s")),
  async run(args, io) {
    const print = printerFor(args, io);
    if (io.stdinIsPiped) {
      for (const name of args.eventTypes) typeOf(name);
      await printAll(io.stdin, await localFilter(args, namespacesOf(args)), print, io);
    } else await follow(args, print, io);
  },
});

/** false: standard output takes no more for now. */
type Print = (event: ReadEvent) => boolean;

function printerFor(args: Args, io: Io): Print {
  const { output, timestamps, stackTraces, imaHash, ttyEncode } = args;
  if (ttyEncode !== "") {
    return ({ event }) => {
      const bytes = ttyBytes(event, ttyEncode);
      if (bytes === undefined) return true;
      return io.stdoutIsTty ? io.stdout.write(bytes.toString()) : io.stdout.writeBytes(bytes);
    };
  }
  const color = wantsColor(args.color, io);
  return ({ event, text }) => {
    if (output === "json") return io.stdout.write(`${text.replaceAll("\r", " ")}\n`);
    const compact = formatCompact(event, { color, timestamps, stackTraces, imaHash });
    return compact === undefined || io.stdout.writeLine(compact);
  };
}

async function follow(args: Args, print: Print, io: Io): Promise<void> {
  const waitMs = parseDuration(args.reconnectWait);
  if (waitMs === undefined)
    throw new UsageError(`--reconnect-wait: ${args.reconnectWait} is no time`);
  const request = requestOf(args);
  for (;;) {
    try {
      const client = connectAgent(args);
      try {
        const lines = linesOf(
          client.stream(FineGuidanceSensors.method.getEvents, request, io.signal),
        );
        await printAll(lines, undefined, print, io);
      } finally {
        client.close();
      }
      if (!args.reconnect) return;
    } catch (error) {
      if (io.signal.aborted) return;
      if (!args.reconnect || !(error instanceof GrpcError)) throw error;
      io.stderr.write(`getevents: err:${error.message} retrying in ${args.reconnectWait}\n`);
    }
    await pause(waitMs, io.signal);
  }
}

async function* linesOf(
  events: AsyncIterable<Parameters<typeof messageJson<typeof GetEventsResponseSchema>>[1]>,
): AsyncGenerator<string, void> {
  for await (const event of events) yield `${messageJson(GetEventsResponseSchema, event)}\n`;
}

async function printAll(
  source: AsyncIterable<Buffer | string>,
  filter: LocalFilter | undefined,
  print: Print,
  io: Io,
): Promise<void> {
  const reader = new EventReader();
  const stop = () => {
    if (source instanceof Readable) source.destroy();
  };
  io.signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const read of reader.read(source)) {
      const event = filter === undefined ? read : filter(read);
      if (event === undefined) continue;
      if (!print(event)) await io.stdout.drained(io.signal);
    }
  } catch (error) {
    if (!io.signal.aborted) throw error;
  } finally {
    io.signal.removeEventListener("abort", stop);
  }
}

/** All that was asked for is one filter: what it lists has to hold together. */
function requestOf(args: Args): MessageInitShape<typeof GetEventsRequestSchema> {
  const filter: MessageInitShape<typeof FilterSchema> = {
    eventSet: args.eventTypes.map(typeOf),
    namespace: namespacesOf(args),
    namespaceRegex: [...args.namespaceRegex],
    podRegex: [...args.pod],
    binaryRegex: [...args.process],
    containerNameRegex: [...args.container],
    policyNames: [...args.policyNames],
    celExpression: [...args.celExpression],
  };
  const isEmpty = Object.values(filter).every((one) => Array.isArray(one) && one.length === 0);
  return {
    allowList: isEmpty ? [] : [filter],
    fieldFilters: [
      ...fieldFilter(args.includeFields, FieldFilterAction.INCLUDE),
      ...fieldFilter(args.excludeFields, FieldFilterAction.EXCLUDE),
    ],
  };
}

function fieldFilter(
  fields: string,
  action: number,
): readonly MessageInitShape<typeof FieldFilterSchema>[] {
  const paths = fields.split(",").filter((path) => path !== "");
  return paths.length === 0 ? [] : [{ fields: { paths }, action }];
}

function typeOf(name: string): number {
  const found = Object.entries(EventType).find(([one]) => one === name.toUpperCase());
  if (found !== undefined) return found[1];
  throw new UsageError(
    `--event-types: ${name} is no type; use one of ${Object.keys(EventType).join(", ")}`,
  );
}

function namespacesOf({ namespace, host }: Args): string[] {
  return [...namespace, ...(host ? [""] : [])];
}
