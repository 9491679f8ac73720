import { formatDuration, parseDuration } from "../events/duration.ts";
import type { RotationLimits } from "../events/sinks/file-sink.ts";
import type { SetEventLogParamsRequest } from "../gen/wire.ts";
import { code, GrpcError } from "./status.ts";

/** The event file, whose limits may be changed while it is written. */
export type EventLog = {
  readonly limits: RotationLimits;
  setLimits(limits: Partial<RotationLimits>): void;
};

const mebibyte = 1024 * 1024;

/** What the agent's flags say of the event file, until the agent ends. `file`: undefined, there is none. */
export function eventLogHandlers(file: EventLog | undefined) {
  const open = (): EventLog => {
    if (file !== undefined) return file;
    throw new GrpcError(code.failedPrecondition, "this agent writes no event file");
  };
  return {
    getEventLogParams: () => {
      const { maxBytes, backups, rotationIntervalMs } = open().limits;
      return {
        maxSize: Math.round(maxBytes / mebibyte),
        rotationInterval: formatDuration(rotationIntervalMs),
        maxBackups: backups,
      };
    },
    setEventLogParams: (request: SetEventLogParamsRequest) => {
      open().setLimits(limitsOf(request));
      return {};
    },
  };
}

function limitsOf(request: SetEventLogParamsRequest): Partial<RotationLimits> {
  const { maxSize, rotationInterval, maxBackups } = request;
  if (maxSize !== undefined && maxSize < 1) throw wrong("max_size", maxSize, "write 1 or more MiB");
  if (maxBackups !== undefined && maxBackups < 0) {
    throw wrong("max_backups", maxBackups, "write how many are kept, or 0 for all");
  }
  const intervalMs = rotationInterval === undefined ? undefined : parseDuration(rotationInterval);
  if (rotationInterval !== undefined && intervalMs === undefined) {
    throw wrong("rotation_interval", rotationInterval, "write a time as in 24h, or 0");
  }
  return {
    ...(maxSize === undefined ? {} : { maxBytes: maxSize * mebibyte }),
    ...(maxBackups === undefined ? {} : { backups: maxBackups }),
    ...(intervalMs === undefined ? {} : { rotationIntervalMs: intervalMs }),
  };
}

function wrong(field: string, value: number | string, fix: string): GrpcError {
  return new GrpcError(code.invalidArgument, `${field} is ${value}; ${fix}`);
}
