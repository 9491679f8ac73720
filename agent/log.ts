import { printable } from "@guardbee/policy/printable";
import { type Logger, pino } from "pino";

export type LogLevel = "fatal" | "error" | "warn" | "info" | "debug" | "trace";

export type Log = {
  readonly log: Logger;
  /** Of it and of all its children, while it runs. */
  readonly level: { get(): LogLevel; set(level: LogLevel): void };
};

/** The log of the agent, on standard output. */
export function openLog(level: LogLevel): Log {
  const children = new Set<WeakRef<Logger>>();
  const log: Logger = pino({
    level,
    hooks: { streamWrite: printable },
    // A child keeps the level that its parent had.
    onChild: (child) => children.add(new WeakRef(child as Logger)),
  });
  return {
    log,
    level: {
      get: () => log.level as LogLevel,
      set: (to) => {
        log.level = to;
        for (const child of children) {
          const alive = child.deref();
          if (alive === undefined) children.delete(child);
          else alive.level = to;
        }
      },
    },
  };
}
