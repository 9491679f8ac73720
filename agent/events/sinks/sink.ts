import type { AgentEvent } from "../event.ts";

/**
 * Somewhere that events go. A sink encodes them itself, and only when somebody is to get them. What
 * it cannot take it counts: delivered + dropped + waiting + filtered = given + told.
 */
export type Sink = {
  readonly name: string;
  /**
   * For a sink that shall not lose what there is time for: undefined when there is room for more,
   * else when to ask again. Nothing further is read from the kernel until then.
   */
  room?(): Promise<void> | undefined;
  /** Takes events, in their order. */
  write(events: readonly AgentEvent[]): void;
  /** The sink's whole life; on abort it writes what it has taken, and ends. */
  run(signal: AbortSignal): Promise<void>;
  stats(): SinkStats;
};

/** Events, not lines; for a sink with several readers summed over them. */
export type SinkStats = {
  /** Given to the file, or to the reader's socket. */
  readonly delivered: number;
  readonly bytes: number;
  /** `rateLimit` of a sink that has one. */
  readonly dropped: Readonly<Record<DropCause, number>> & { readonly rateLimit?: number };
  /** Taken and not yet delivered or dropped. */
  readonly waiting: number;
  /** Not for this sink: a filter held them back. Absent for a sink without one. */
  readonly filtered?: number;
  /** Events beside those given: they tell how many a rate limit dropped. */
  readonly told?: number;
  /** Absent for a sink that has none. */
  readonly readers?: number;
};

/**
 * closed: nothing was open to write to, or the reader went away before it had them. backlog: the
 * disk or a reader was too slow. error: the disk refused them.
 */
const dropCauses = ["closed", "backlog", "error"] as const;
export type DropCause = (typeof dropCauses)[number];
