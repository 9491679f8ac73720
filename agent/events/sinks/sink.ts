/** Whole JSON lines, and how many. */
export type Batch = { readonly lines: Buffer; readonly count: number };

/** Somewhere that events go. It may never make the pipeline wait: what it cannot take it counts. */
export type Sink = {
  readonly name: string;
  write(batch: Batch): void;
  /** The sink's whole life; on abort it writes what it has taken, and ends. */
  run(signal: AbortSignal): Promise<void>;
  stats(): SinkStats;
};

/** Events, not lines or bytes; for a sink with several readers summed over them. */
export type SinkStats = {
  readonly written: number;
  /** `closed`: nothing was open to write to. `backlog`: the disk or a reader was too slow. */
  readonly dropped: { readonly closed: number; readonly backlog: number };
};
