import { hostname } from "node:os";
import type { Clock } from "@guardbee/kube";
import type { Logger } from "pino";
import type { KernelEngine } from "../kernel/kernel-engine.ts";
import type { Native } from "../kernel/native.ts";
import { kernelRecords } from "../process/kernel-record.ts";
import type { PodLookup } from "../process/pod.ts";
import { scanProcesses } from "../process/scan.ts";
import { ProcessTree } from "../process/tree.ts";
import { createBootClock } from "./boot-clock.ts";
import { createEventEncoder } from "./event-json.ts";
import { hookLookup } from "./hook-info.ts";
import { EventPipeline } from "./pipeline.ts";
import { FileSink } from "./sinks/file-sink.ts";
import type { Sink } from "./sinks/sink.ts";
import { SocketSink } from "./sinks/socket-sink.ts";

export type EventOptions = {
  readonly native: Native;
  readonly engine: KernelEngine;
  /** Absent without Kubernetes. */
  readonly pods?: PodLookup;
  readonly nodeName: string | undefined;
  readonly procfs: string;
  readonly cgroupRoot: string;
  /** Empty: none. */
  readonly eventsFile: string;
  readonly eventsFileMaxMb: number;
  readonly eventsFileBackups: number;
  /** Empty: none. */
  readonly eventsSocket: string;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Reads the kernel's events and exports them until aborted. Rejects when a sink cannot work. */
export async function exportEvents(options: EventOptions, signal: AbortSignal): Promise<void> {
  const { native, engine, clock, log, procfs, cgroupRoot } = options;
  const bootClock = createBootClock();
  const tree = new ProcessTree(() => clock.monotonic());
  const encoder = createEventEncoder({
    nodeName: options.nodeName ?? hostname(),
    bootToWallNs: (bootNs) => bootClock.toWallNs(bootNs),
  });
  const sinks: Sink[] = [];
  if (options.eventsFile !== "") {
    sinks.push(
      new FileSink({
        path: options.eventsFile,
        maxBytes: options.eventsFileMaxMb * 1024 * 1024,
        backups: options.eventsFileBackups,
        clock,
        log,
      }),
    );
  }
  if (options.eventsSocket !== "") {
    const droppedLine = (count: number) => encoder.dropped(count, clock.now());
    sinks.push(new SocketSink({ path: options.eventsSocket, droppedLine, log }));
  }
  const keyOf = kernelRecords(native, engine.maps.process);
  const running = await scanProcesses(tree, { procfs, cgroupRoot, keyOf });
  const pipeline = new EventPipeline({
    openRing: (onRecords) => native.openRing(engine.eventsFd, onRecords),
    tree,
    encoder,
    hookInfo: hookLookup((number) => engine.hookOf(number)),
    ...(options.pods === undefined ? {} : { pods: options.pods }),
    sinks,
    clock,
    log,
    everySecond: () => bootClock.refresh(),
  });
  await pipeline.run(running, signal);
}
