import { hostname } from "node:os";
import type { Clock } from "@guardbee/kube";
import type { Logger } from "pino";
import type { KernelEngine } from "../kernel/kernel-engine.ts";
import type { Native } from "../kernel/native.ts";
import type { CgroupRate } from "../kernel/rate.ts";
import { openDetails } from "../process/details.ts";
import { kernelRecords } from "../process/kernel-record.ts";
import type { AncestorFamily, ProcessOptions } from "../process/options.ts";
import { scanProcesses } from "../process/scan.ts";
import { ProcessTree, type TreeStats } from "../process/tree.ts";
import type { PodLookup } from "../scope/pod-container.ts";
import { StackNames } from "../stacks/stacks.ts";
import { createBootClock } from "./boot-clock.ts";
import { createEventWire } from "./encode/event-wire.ts";
import { createJsonLine } from "./encode/json-lines.ts";
import { createLineEncoder } from "./encode/lines.ts";
import { createProcessDump, type DumpedProcess } from "./encode/process-dump.ts";
import { openEventFile } from "./event-file.ts";
import type { ExportOptions } from "./export-options.ts";
import { openThrottles } from "./open-throttles.ts";
import { openOtlp } from "./otlp/open-otlp.ts";
import { EventPipeline, type PipelineStats } from "./pipeline.ts";
import type { RequestStats, Requests } from "./requests.ts";
import type { FileSink } from "./sinks/file-sink.ts";
import type { Sink, SinkStats } from "./sinks/sink.ts";
import { SocketSink } from "./sinks/socket-sink.ts";
import { StreamSink } from "./sinks/stream-sink.ts";

export type EventOptions = ProcessOptions & {
  readonly native: Native;
  readonly engine: KernelEngine;
  /** Absent without Kubernetes. */
  readonly pods?: PodLookup;
  readonly nodeName: string | undefined;
  /** Empty: events do not say it. */
  readonly clusterName: string;
  /** Absent without Kubernetes. */
  readonly nodeLabels?: () => Readonly<Record<string, string>> | undefined;
  /** How long the events of a container wait for its pod. */
  readonly podLimitMs: number;
  readonly procfs: string;
  readonly cgroupRoot: string;
  /** Absent: no cgroup has a bound. */
  readonly rate?: CgroupRate;
  /** Empty: none. */
  readonly eventsFile: string;
  readonly eventsFileMaxMb: number;
  readonly eventsFileBackups: number;
  /** Rotated files, all but the newest. */
  readonly exportFileCompress: boolean;
  /** Filters are of the file alone; what is hidden is hidden everywhere. */
  readonly exported: ExportOptions;
  /** Empty: none. */
  readonly eventsSocket: string;
  /** Whether there are clients of the gRPC API. */
  readonly streams: boolean;
  readonly requests: Requests;
  /** Beside those that options ask for. */
  readonly sinks?: readonly Sink[];
  /** Whether stacks have addresses. */
  readonly exposeStackAddresses: boolean;
  readonly clock: Clock;
  readonly log: Logger;
};

/** What became of events so far. */
export type EventStats = {
  readonly pipeline: PipelineStats;
  readonly tree: TreeStats;
  readonly sinks: readonly ({ readonly name: string } & SinkStats)[];
  readonly requests: RequestStats;
};

export type EventExport = {
  /** Reads the kernel's events and exports them until aborted. Rejects when a sink cannot work. */
  run(signal: AbortSignal): Promise<void>;
  stats(): EventStats;
  /** Where clients of the gRPC API get events from; undefined: there is no API. */
  readonly streams: StreamSink | undefined;
  /** Undefined: there is none. */
  readonly file: FileSink | undefined;
  /** Every process that is known now. */
  readonly processes: () => readonly DumpedProcess[];
};

/** Makes what exports the kernel's events. */
export async function openEventExport(options: EventOptions): Promise<EventExport> {
  const { native, engine, clock, log, procfs, cgroupRoot } = options;
  const bootClock = createBootClock();
  const { redact } = options.exported;
  const ancestors = ancestorsOf(options);
  const details = await openDetails(options);
  const tree = new ProcessTree(() => clock.monotonic(), {
    limit: options.processCacheSize,
    graceMs: options.processCacheGcInterval,
    ancestors: ancestors.size > 0,
    details,
    ...(redact === undefined ? {} : { redact }),
  });
  const said = {
    nodeName: options.nodeName ?? hostname(),
    clusterName: options.clusterName,
    ...(options.nodeLabels === undefined ? {} : { nodeLabels: options.nodeLabels }),
    bootToWallNs: (bootNs: bigint) => bootClock.toWallNs(bootNs),
  };
  const lineOf = createJsonLine(said);
  const encoder = createLineEncoder(lineOf);
  const sinks: Sink[] = [...(options.sinks ?? [])];
  const file = openEventFile({ ...options, bootToWallNs: said.bootToWallNs, lineOf, encoder });
  if (file !== undefined) sinks.push(file.sink);
  if (options.eventsSocket !== "") {
    sinks.push(new SocketSink({ path: options.eventsSocket, encoder, clock, log }));
  }
  const streams = options.streams
    ? new StreamSink({ messageOf: createEventWire(said), clock, log })
    : undefined;
  if (streams !== undefined) sinks.push(streams);
  const otlp = openOtlp({ ...options, bootToWallNs: said.bootToWallNs });
  if (otlp !== undefined) sinks.push(otlp);
  const { event_rates: map } = engine.maps;
  const throttles = openThrottles({ native, map, rate: options.rate, cgroupRoot, clock });
  const pipeline = new EventPipeline({
    openRings: () => engine.openRings(),
    tree,
    hookOf: (number, entry) => engine.hookOf(number, entry),
    ...(options.pods === undefined ? {} : { pods: options.pods }),
    podLimitMs: options.podLimitMs,
    ancestors,
    sinks,
    request: (request) => options.requests.make(request),
    stacks: new StackNames({
      ...{ procfs, monotonic: () => clock.monotonic() },
      withAddresses: options.exposeStackAddresses,
    }),
    clock,
    log,
    everySecond: () => {
      bootClock.refresh();
      details.refresh();
      return throttles?.take() ?? [];
    },
  });
  return {
    run: async (signal) => {
      const keyOf = kernelRecords(native, engine.maps.process);
      const scanOptions = { procfs, cgroupRoot, keyOf, details };
      await pipeline.run(await scanProcesses(tree, scanOptions), signal);
    },
    streams,
    file: file?.file,
    processes: () => [...tree.all()].map(createProcessDump(said)),
    stats: () => ({
      pipeline: pipeline.stats(),
      tree: tree.stats(),
      sinks: sinks.map((sink) => ({ name: sink.name, ...sink.stats() })),
      requests: options.requests.stats(),
    }),
  };
}

/** None without `base`, as upstream. */
function ancestorsOf({ enableAncestors, log }: EventOptions): ReadonlySet<AncestorFamily> {
  if (enableAncestors.length === 0 || enableAncestors.includes("base")) {
    return new Set(enableAncestors);
  }
  log.warn({ enableAncestors }, "--enable-ancestors has no base, so that no event has ancestors");
  return new Set();
}
