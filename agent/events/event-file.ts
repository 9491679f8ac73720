import { hostname } from "node:os";
import type { Clock } from "@guardbee/kube";
import type { Logger } from "pino";
import manifest from "../package.json" with { type: "json" };
import { createLineEncoder, type LineEncoder } from "./encode/lines.ts";
import { createSelectedLine } from "./encode/selected-lines.ts";
import type { AgentEvent } from "./event.ts";
import type { ExportOptions } from "./export-options.ts";
import { createOcsfLine } from "./ocsf/ocsf-lines.ts";
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
  readonly nodeName: string | undefined;
  readonly clusterName: string;
  readonly bootToWallNs: (bootNs: bigint) => bigint;
  /** The line of an event, and what the sinks share that have all of it. */
  readonly lineOf: (event: AgentEvent) => string;
  readonly encoder: LineEncoder;
  readonly clock: Clock;
  readonly log: Logger;
};

/** What events go to, and the file that is behind it, whose limits may change. */
type EventFile = { readonly sink: Sink; readonly file: FileSink };

/**
 * The sink of the event file: what passes the filters goes to it, then what the rate limit lets through,
 * with the fields that are left. Undefined: there is none.
 */
export function openEventFile(options: EventFileOptions): EventFile | undefined {
  const { passes, perMinute } = options.exported;
  if (options.eventsFile === "" || perMinute === 0) return undefined;
  const file = openFile(options);
  const limited =
    perMinute === undefined ? file : new RateLimitedSink(file, perMinute, options.clock);
  const sink = passes === undefined ? limited : new FilteredSink(limited, passes);
  return { sink, file };
}

function openFile(options: EventFileOptions): FileSink {
  const { clock, log } = options;
  const { mode, rotationIntervalMs } = options.exported;
  return new FileSink({
    path: options.eventsFile,
    limits: {
      maxBytes: mebibytes(options.eventsFileMaxMb),
      backups: options.eventsFileBackups,
      rotationIntervalMs,
    },
    file: { mode, compress: options.exportFileCompress, isOurs: isEventFile },
    encoder: encoderOf(options),
    clock,
    log,
  });
}

/** That of the other sinks, where the lines are the same. */
function encoderOf(options: EventFileOptions): LineEncoder {
  const { lineOf, encoder } = options;
  const { select, format } = options.exported;
  if (format === "ocsf") {
    const { nodeName = hostname(), clusterName, bootToWallNs } = options;
    const { version } = manifest;
    return createLineEncoder(createOcsfLine({ nodeName, clusterName, bootToWallNs, version }));
  }
  return select === undefined ? encoder : createLineEncoder(createSelectedLine(lineOf, select));
}

/** Upstream's 0 is its library's default. */
function mebibytes(count: number): number {
  return (count === 0 ? 100 : count) * 1024 * 1024;
}

/** A line is an object. Nothing but zeros is what a power cut leaves of a file that was one. */
function isEventFile(head: Buffer): boolean {
  return head[0] === "{".charCodeAt(0) || head.every((byte) => byte === 0);
}
