import {
  FieldFilterAction,
  FineGuidanceSensors,
  type GetEventsResponse,
  type GrpcClient,
  GrpcError,
} from "@guardbee/agent/grpc-client";
import { systemClock } from "@guardbee/kube/clock";
import { oneLine } from "@guardbee/policy/printable";
import { aNumber, type Command, type ExitCode, exit, type Io } from "../command.ts";
import { type ConnectionArgs, connectAgent, connectionOptions } from "../tetra/connection.ts";
import { formatLoad, type Shown, type StoppedLoad } from "../top/format-load.ts";
import { LoadCounter, type Maker } from "../top/load.ts";

export type TopArgs = ConnectionArgs & {
  readonly interval: number;
  readonly count: number;
  readonly rows: number;
  readonly output: "text" | "json";
};

export const top: Command<TopArgs> = {
  name: "top",
  positionals: "",
  summary: "Show which policies and processes make the events of this node",
  examples: ["top --interval 5", "top --count 1 -o json"],
  options: (yargs) =>
    connectionOptions(yargs)
      .option("interval", {
        ...aNumber("interval", 1, 3600),
        default: 2,
        describe: "Seconds that are counted together",
      })
      .option("count", {
        ...aNumber("count", 0, 1_000_000),
        default: 0,
        describe: "End after so many intervals; 0: when interrupted",
      })
      .option("rows", {
        ...aNumber("rows", 1, 1000),
        default: 10,
        describe: "Of each table",
      })
      .option("output", {
        ...{ alias: "o", choices: ["text", "json"] as const, default: "text" as const },
        describe: "text: two tables; json: a line for each interval",
      }),
  async run(args, io) {
    const client = connectAgent(args);
    try {
      return await watch(client, args, io);
    } catch (error) {
      if (io.signal.aborted) return exit.ok;
      if (!(error instanceof GrpcError)) throw error;
      const fix = "start guardbee agent with its gRPC API, or name it with --server-address";
      io.stderr.write(`guardbee top: no agent answers: ${oneLine(error.message)}; ${fix}\n`);
      return exit.unreachable;
    } finally {
      client.close();
    }
  },
};

/** What is told of events: the agent writes no more of them than that. */
const paths = [
  ...["process.binary", "process.pod.namespace", "process.pod.name"],
  ...["policy_name", "function_name", "subsys", "event", "path", "symbol", "provider", "name"],
];

async function watch(client: GrpcClient, args: TopArgs, io: Io): Promise<ExitCode> {
  const counter = new LoadCounter();
  const ended = new AbortController();
  const signal = AbortSignal.any([io.signal, ended.signal]);
  const reading = read(client, counter, signal);
  try {
    await Promise.race([show(client, counter, { args, io, signal }), reading]);
  } finally {
    ended.abort();
    await reading.catch(() => {});
  }
  return exit.ok;
}

async function read(client: GrpcClient, counter: LoadCounter, signal: AbortSignal): Promise<void> {
  const fieldFilters = [{ fields: { paths }, action: FieldFilterAction.INCLUDE }];
  const stream = client.stream(FineGuidanceSensors.method.getEvents, { fieldFilters }, signal);
  for await (const response of stream) {
    if (response.event.case === "rateLimitInfo") {
      counter.miss(Number(response.event.value.numberOfDroppedProcessEvents));
    } else counter.add(makerOf(response.event));
  }
  throw new GrpcError(14, "it hung up");
}

function makerOf({ case: kind, value }: GetEventsResponse["event"]): Maker {
  const fields = (value ?? {}) as Readonly<Record<string, unknown>>;
  const text = (name: string) => (typeof fields[name] === "string" ? fields[name] : "");
  const process = value !== undefined && "process" in value ? value.process : undefined;
  const calls = ["functionName", "subsys", "event", "path", "symbol", "provider", "name"];
  const call = calls.map(text).filter((one) => one !== "");
  return {
    policy: text("policyName"),
    call: call.length === 0 ? (kind ?? "").replace("process", "").toLowerCase() : call.join("/"),
    namespace: process?.pod?.namespace ?? "",
    pod: process?.pod?.name ?? "",
    binary: process?.binary ?? "",
  };
}

type Showing = { readonly args: TopArgs; readonly io: Io; readonly signal: AbortSignal };

async function show(
  client: GrpcClient,
  counter: LoadCounter,
  { args, io, signal }: Showing,
): Promise<void> {
  let before = await stopsOf(client, signal);
  let at = systemClock.monotonic();
  for (let shown = 1; ; shown++) {
    await systemClock.sleep(args.interval * 1000, signal);
    const now = await stopsOf(client, signal);
    const until = systemClock.monotonic();
    print(
      {
        time: new Date().toISOString(),
        seconds: (until - at) / 1000,
        load: counter.take(),
        stops: sinceThen(before, now),
      },
      args,
      io,
    );
    if (shown === args.count) return;
    [before, at] = [now, until];
  }
}

function print(shown: Shown, { output, rows }: TopArgs, io: Io): void {
  if (output === "json") {
    const stops = Object.fromEntries(shown.stops);
    const { policies, processes, ...load } = shown.load;
    const some = { policies: policies.slice(0, rows), processes: processes.slice(0, rows) };
    io.stdout.write(`${JSON.stringify({ ...shown, load: { ...load, ...some }, stops })}\n`);
    return;
  }
  if (io.stdoutIsTty) io.stdout.clearScreen();
  io.stdout.write(`${formatLoad(shown, { rows, columns: io.stdoutColumns })}\n`);
}

type Stops = ReadonlyMap<string, StoppedLoad>;

/** By policy: how many calls it has stopped ever. */
async function stopsOf(client: GrpcClient, signal: AbortSignal): Promise<Stops> {
  const options = { timeoutMs: 30_000, signal };
  const { policies } = await client.call(
    FineGuidanceSensors.method.listTracingPolicies,
    {},
    options,
  );
  return new Map(
    policies.map(({ name, stats }) => {
      const counters = stats?.actionCounters;
      const stopped = Number((counters?.signal ?? 0n) + (counters?.override ?? 0n));
      const wouldStop = Number((counters?.monitorSignal ?? 0n) + (counters?.monitorOverride ?? 0n));
      return [name, { stopped, wouldStop }] as const;
    }),
  );
}

/** Of those that have stopped something meanwhile. */
function sinceThen(before: Stops, now: Stops): Stops {
  const none = { stopped: 0, wouldStop: 0 };
  const changes = [...now].map(([name, { stopped, wouldStop }]) => {
    const then = before.get(name) ?? none;
    const since = (count: number, earlier: number) => Math.max(0, count - earlier);
    const change = {
      stopped: since(stopped, then.stopped),
      wouldStop: since(wouldStop, then.wouldStop),
    };
    return [name, change] as const;
  });
  return new Map(changes.filter(([, { stopped, wouldStop }]) => stopped + wouldStop > 0));
}
