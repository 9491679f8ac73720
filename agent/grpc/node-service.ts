import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Any,
  anyPack,
  BoolValueSchema,
  Int64ValueSchema,
  StringValueSchema,
} from "@bufbuild/protobuf/wkt";
import type { DumpedProcess } from "../events/encode/process-dump.ts";
import {
  type GetDebugRequest,
  type GetDebugResponseSchema,
  ProcessInternalSchema,
  type SetDebugRequest,
  type SetDebugResponseSchema,
} from "../gen/wire.ts";
import { ConfigFlag, HealthStatusResult, HealthStatusType, LogLevel } from "../gen/wire-numbers.ts";
import { code, GrpcError } from "./status.ts";

/** What of a node its clients can ask for, policies and events aside. */
export type NodeFacts = {
  readonly version: string;
  readonly nodeName: string;
  /** What the kernel can do, by name. */
  readonly features: () => readonly string[];
  /** The options that the agent was called with, by name. */
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly logLevel: { get(): LogLevelName; set(level: LogLevelName): void };
  /** Every process that is known now. */
  readonly processes: () => readonly DumpedProcess[];
};

/** pino's, without `silent`. */
type LogLevelName = "fatal" | "error" | "warn" | "info" | "debug" | "trace";

/** Upstream's levels, and ours. */
const levels: readonly (readonly [number, LogLevelName])[] = [
  [LogLevel.LOG_LEVEL_FATAL, "fatal"],
  [LogLevel.LOG_LEVEL_ERROR, "error"],
  [LogLevel.LOG_LEVEL_WARN, "warn"],
  [LogLevel.LOG_LEVEL_INFO, "info"],
  [LogLevel.LOG_LEVEL_DEBUG, "debug"],
  [LogLevel.LOG_LEVEL_TRACE, "trace"],
  [LogLevel.LOG_LEVEL_PANIC, "fatal"],
];

/** The methods that tell of the node itself. */
export function nodeHandlers(facts: NodeFacts) {
  return {
    getVersion: () => ({ version: facts.version }),
    getHealth: () => ({
      healthStatus: [
        {
          event: HealthStatusType.HEALTH_STATUS_TYPE_STATUS,
          status: HealthStatusResult.HEALTH_STATUS_RUNNING,
          details: "running",
        },
      ],
    }),
    getInfo: () => ({
      ...{ name: "guardbee", version: facts.version },
      probes: facts.features().map((name) => ({ Name: name, Enabled: true })),
      conf: Object.entries(facts.configuration).flatMap(([key, given]) => {
        const value = packed(given);
        return value === undefined ? [] : [{ key, value }];
      }),
      build: { goVersion: "", commit: "", time: "", modified: "" },
    }),
    getDebug: (request: GetDebugRequest) => getDebug(facts, request),
    setDebug: (request: SetDebugRequest) => setDebug(facts, request),
    // A pod's policies hold from its first instruction whether or not somebody tells of it (docs/concepts/engine.md).
    runtimeHook: () => ({}),
    listSensors: deprecated("ListSensors", "ListTracingPolicies"),
    enableSensor: deprecated("EnableSensor", "ConfigureTracingPolicy"),
    disableSensor: deprecated("DisableSensor", "ConfigureTracingPolicy"),
    removeSensor: deprecated("RemoveSensor", "DeleteTracingPolicy"),
  };
}

function deprecated(method: string, instead: string): () => never {
  return () => {
    throw new GrpcError(code.unimplemented, `${method} is deprecated; use ${instead}`);
  };
}

function packed(value: unknown): Any | undefined {
  switch (typeof value) {
    case "string":
      return anyPack(StringValueSchema, create(StringValueSchema, { value }));
    case "boolean":
      return anyPack(BoolValueSchema, create(BoolValueSchema, { value }));
    case "number":
      return anyPack(Int64ValueSchema, create(Int64ValueSchema, { value: BigInt(value) }));
    default:
      return Array.isArray(value) ? packed(value.join(",")) : undefined;
  }
}

function getDebug(
  facts: NodeFacts,
  { flag, arg }: GetDebugRequest,
): MessageInitShape<typeof GetDebugResponseSchema> {
  switch (flag) {
    case ConfigFlag.CONFIG_FLAG_LOG_LEVEL: {
      const level = levels.find(([, name]) => name === facts.logLevel.get())?.[0];
      return { flag, arg: { case: "level", value: level ?? LogLevel.LOG_LEVEL_INFO } };
    }
    case ConfigFlag.CONFIG_FLAG_DUMP_PROCESS_CACHE: {
      const { skipZeroRefcnt = false, excludeExecveMapProcesses = false } =
        arg.case === "dump" ? arg.value : {};
      const processes = facts
        .processes()
        .filter(
          ({ refs, running }) =>
            !(skipZeroRefcnt && refs === 0) && !(excludeExecveMapProcesses && running),
        )
        .map(({ message, refs, running }) => ({
          ...fromBinary(ProcessInternalSchema, message),
          ...{ refcnt: refs, color: running ? "inUse" : "deleted" },
        }));
      return { flag, arg: { case: "processes", value: { processes } } };
    }
    default:
      throw new GrpcError(code.invalidArgument, `there is no flag ${flag}`);
  }
}

function setDebug(
  facts: NodeFacts,
  { flag, arg }: SetDebugRequest,
): MessageInitShape<typeof SetDebugResponseSchema> {
  if (flag !== ConfigFlag.CONFIG_FLAG_LOG_LEVEL || arg.case !== "level") {
    throw new GrpcError(code.invalidArgument, "only the level of the log can be set");
  }
  const level = levels.find(([number]) => number === arg.value)?.[1];
  if (level === undefined) {
    throw new GrpcError(code.invalidArgument, `there is no level ${arg.value}`);
  }
  facts.logLevel.set(level);
  return { flag, arg };
}
