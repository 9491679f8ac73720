import type { Clock } from "@guardbee/kube";
import type { Logger } from "pino";
import { createLineEncoder, type LineEncoder } from "./encode/lines.ts";
import { createSelectedLine } from "./encode/selected-lines.ts";
import type { AgentEvent } from "./event.ts";
import type { ExportOptions } from "./export-options.ts";
import { FileSink } from "./sinks/file-sink.ts";
import { FilteredSink } from "./sinks/filtered-sink.ts";
import { RateLimitedSink } from "./sinks/rate-limited-sink.ts";
import type { Sink } from "./sinks/sink.ts";

export type EventFileOptions = {
  /** Empty: none. */
  readonly eventsFile: string;
  readonly eventsFileMaxMb: number;
  readonly eventsFileBackups: number;
  /** Rotated files, all but the newest. */
  readonly exportFileCompress: boolean;
  readonly exported: ExportOptions;
  /** The line of an event, and what the sinks share that have all of it. */
  readonly lineOf: (event: AgentEvent) => string;
  readonly encoder: LineEncoder;
  readonly clock: Clock;
  readonly log: Logger;
};

/**
 * The sink of the event file: what passes the filters goes to it, then what the rate limit lets through,
 * with the fields that are left. Undefined: there is none.
 */
export function openEventFile(options: EventFileOptions): Sink | undefined {
  const { passes, perMinute } = options.exported;
  if (options.eventsFile === "" || perMinute === 0) return undefined;
  const file = openFile(options);
  const limited =
    perMinute === undefined ? file : new RateLimitedSink(file, perMinute, options.clock);
  return passes === undefined ? limited : new FilteredSink(limited, passes);
}

function openFile(options: EventFileOptions): Sink {
  const { lineOf, encoder, clock, log } = options;
  const { select, mode, rotationIntervalMs } = options.exported;
  return new FileSink({
    path: options.eventsFile,
    limits: {
      maxBytes: mebibytes(options.eventsFileMaxMb),
      backups: options.eventsFileBackups,
      rotationIntervalMs,
    },
    file: { mode, compress: options.exportFileCompress, isOurs: isEventFile },
    encoder: select === undefined ? encoder : createLineEncoder(createSelectedLine(lineOf, select)),
    clock,
    log,
  });
}

/** Upstream's 0 is its library's default. */
function mebibytes(count: number): number {
  return (count === 0 ? 100 : count) * 1024 * 1024;
}

/** A line is an object. Nothing but zeros is what a power cut leaves of a file that was one. */
function isEventFile(head: Buffer): boolean {
  return head[0] === "{".charCodeAt(0) || head.every((byte) => byte === 0);
}
