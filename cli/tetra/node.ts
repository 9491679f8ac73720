import { createRegistry } from "@bufbuild/protobuf";
import {
  type Any,
  anyUnpack,
  BoolValueSchema,
  Int64ValueSchema,
  StringValueSchema,
} from "@bufbuild/protobuf/wkt";
import {
  ConfigFlag,
  FineGuidanceSensors,
  LogLevel,
  messageJson,
  ProcessInternalSchema,
} from "@guardbee/agent/grpc-client";
import { UsageError } from "../command.ts";
import manifest from "../package.json" with { type: "json" };
import { aSwitch, tetraCommand } from "./command.ts";
import { askAgent } from "./connection.ts";

const methods = FineGuidanceSensors.method;

export const status = tetraCommand({
  ...{ name: "status", positionals: "", example: "status" },
  summary: "Say whether the agent is well",
  async run(args, io) {
    const { healthStatus } = await askAgent(args, io, (client, options) =>
      client.call(methods.getHealth, {}, options),
    );
    const details = healthStatus[0]?.details ?? "no status available";
    io.stdout.write(`Health Status: ${details}\n`);
  },
});

export const version = tetraCommand<{ readonly server: boolean; readonly build: boolean }>({
  ...{ name: "version", positionals: "", example: "version" },
  summary: "Say which version this is, and the agent",
  options: (yargs) =>
    yargs
      .option("server", { ...aSwitch("Of the agent, too"), alias: "s" })
      .option("build", { ...aSwitch("How it was built"), alias: "b" }),
  async run(args, io) {
    io.stdout.write(`CLI version: ${manifest.version}\n`);
    if (args.build) io.stdout.write(`GoVersion: \nDate: \nGitCommit: \nGitTreeState: clean\n`);
    if (!args.server) return;
    const answer = await askAgent(args, io, (client, options) =>
      client.call(methods.getVersion, {}, options),
    );
    io.stdout.write(`Server version: ${answer.version}\n`);
  },
});

export const info = tetraCommand({
  ...{ name: "info", positionals: "", example: "info" },
  summary: "Print what the agent can do and was told",
  async run(args, io) {
    const answer = await askAgent(args, io, (client, options) =>
      client.call(methods.getInfo, {}, options),
    );
    const line = {
      ...{ Name: answer.name, Version: answer.version },
      Probes: Object.fromEntries(
        answer.probes.map(({ Name, Enabled }) => [Name, Enabled === true]),
      ),
      Conf: Object.fromEntries(answer.conf.map(({ key, value }) => [key, plainOf(value)])),
      Build: {
        GoVersion: answer.build?.goVersion ?? "",
        Commit: answer.build?.commit ?? "",
        Time: answer.build?.time ?? "",
        Modified: answer.build?.modified ?? "",
      },
    };
    io.stdout.write(`${JSON.stringify(line)}\n`);
  },
});

const known = createRegistry(BoolValueSchema, Int64ValueSchema, StringValueSchema);

function plainOf(value: Any | undefined): unknown {
  const message = value === undefined ? undefined : anyUnpack(value, known);
  const plain = (message as { value?: unknown } | undefined)?.value ?? {};
  return typeof plain === "bigint" ? Number(plain) : plain;
}

const levelNames = Object.entries(LogLevel).map(([name, level]) => ({ name, level }));

export const loglevelGet = tetraCommand({
  ...{ name: "loglevel get", positionals: "", example: "loglevel get" },
  summary: "Say how much the agent logs",
  async run(args, io) {
    const answer = await askAgent(args, io, (client, options) =>
      client.call(methods.getDebug, { flag: ConfigFlag.CONFIG_FLAG_LOG_LEVEL }, options),
    );
    io.stdout.write(`Current log level: ${levelName(answer.arg.value)}\n`);
  },
});

export const loglevelSet = tetraCommand<{ readonly level: string }>({
  ...{ name: "loglevel set", positionals: "<level>", example: "loglevel set debug" },
  summary: "Set how much the agent logs: trace, debug, info, warning, error, fatal or panic",
  options: (yargs) => yargs.positional("level", { type: "string" }),
  async run(args, io) {
    const word = args.level.toLowerCase() === "warning" ? "warn" : args.level.toLowerCase();
    const found = levelNames.find(({ name }) => name === `LOG_LEVEL_${word.toUpperCase()}`);
    if (found === undefined) throw new UsageError(`${args.level} is no level; use debug or info`);
    const flag = ConfigFlag.CONFIG_FLAG_LOG_LEVEL;
    const request = { flag, arg: { case: "level", value: found.level } } as const;
    const answer = await askAgent(args, io, (client, options) =>
      client.call(methods.setDebug, request, options),
    );
    io.stdout.write(`Log level set to: ${levelName(answer.arg.value)}\n`);
  },
});

function levelName(level: unknown): string {
  return levelNames.find((one) => one.level === level)?.name ?? String(level);
}

export const dumpProcesses = tetraCommand<{
  readonly skipZeroRefcnt: boolean;
  readonly excludeExecveMapProcesses: boolean;
}>({
  ...{ name: "dump processcache", positionals: "", example: "dump processcache" },
  summary: "Print the processes that the agent knows, a line of JSON each",
  options: (yargs) =>
    yargs
      .option("skip-zero-refcnt", aSwitch("Not those that nothing refers to"))
      .option("exclude-execve-map-processes", aSwitch("Not those that run")),
  async run(args, io) {
    const { skipZeroRefcnt, excludeExecveMapProcesses } = args;
    const answer = await askAgent(args, io, (client, options) =>
      client.call(
        methods.getDebug,
        {
          flag: ConfigFlag.CONFIG_FLAG_DUMP_PROCESS_CACHE,
          arg: { case: "dump", value: { skipZeroRefcnt, excludeExecveMapProcesses } },
        },
        options,
      ),
    );
    const processes = answer.arg.case === "processes" ? answer.arg.value.processes : [];
    for (const process of processes) {
      if (!io.stdout.write(`${messageJson(ProcessInternalSchema, process)}\n`)) {
        await io.stdout.drained(io.signal);
      }
    }
  },
});

export const createContainer = tetraCommand<{
  readonly containerId: string;
  readonly rootDir: string;
  readonly annotations: readonly string[];
}>({
  ...{ name: "rthooks create-container", positionals: "" },
  example: "rthooks create-container --container-id 1 --root-dir /x",
  summary: "Tell the agent of a container, which needs it not",
  options: (yargs) =>
    yargs
      .option("container-id", { type: "string", default: "", describe: "Its id" })
      .option("root-dir", { type: "string", default: "", describe: "Its root folder" })
      .option("annotations", {
        type: "string",
        array: true,
        nargs: 1,
        default: [] as string[],
        describe: "KEY=VALUE; may be repeated",
      }),
  async run(args, io) {
    const annotations = Object.fromEntries(
      args.annotations.map((one) => [one.split("=", 1)[0]!, one.slice(one.indexOf("=") + 1)]),
    );
    const { containerId: containerID, rootDir } = args;
    const value = { containerID, rootDir, annotations };
    await askAgent(args, io, (client, options) =>
      client.call(methods.runtimeHook, { event: { case: "createContainer", value } }, options),
    );
  },
});

const sensor = (
  name: "enable" | "disable" | "rm",
  method: "enableSensor" | "disableSensor" | "removeSensor",
) =>
  tetraCommand<{ readonly name: string }>({
    ...{ name: `sensors ${name}`, positionals: "<name>", example: `sensors ${name} x` },
    summary: "Deprecated: use tracingpolicy",
    options: (yargs) => yargs.positional("name", { type: "string" }),
    async run(args, io) {
      await askAgent(args, io, (client, options) =>
        client.call(methods[method], { name: args.name }, options),
      );
    },
  });

export const sensorsList = tetraCommand({
  ...{ name: "sensors list", positionals: "", example: "sensors list" },
  summary: "Deprecated: use tracingpolicy list",
  async run(args, io) {
    await askAgent(args, io, (client, options) => client.call(methods.listSensors, {}, options));
  },
});
export const sensorsEnable = sensor("enable", "enableSensor");
export const sensorsDisable = sensor("disable", "disableSensor");
export const sensorsRm = sensor("rm", "removeSensor");
