import { type AgentEvent, isUrgent } from "../event.ts";

/** Whole lines, and how many. */
export type Lines = { readonly lines: Buffer; readonly count: number };

export type Batch = Lines & {
  /** Those of the lines that tell of a stop: what a sink that lacks room for all takes of them. */
  readonly urgent?: Lines;
};

/** Encodes each event as a line. Sinks that share one share its work: what it made is made once. */
export type LineEncoder = {
  /** A line for each of `events`, in their order; for the array of the last call the same batch. */
  encode(events: readonly AgentEvent[]): Batch;
};

/** `lineOf`: the line of one event, with the line feed at its end. */
export function createLineEncoder(lineOf: (event: AgentEvent) => string): LineEncoder {
  // Not a WeakMap: what it holds outlives its key until the next collection of the whole heap.
  let last: { readonly events: readonly AgentEvent[]; readonly batch: Batch } | undefined;
  return {
    encode(events) {
      if (last?.events !== events) last = { events, batch: batchOf(events, lineOf) };
      return last.batch;
    },
  };
}

function batchOf(events: readonly AgentEvent[], lineOf: (event: AgentEvent) => string): Batch {
  const lines: string[] = [];
  const urgent: string[] = [];
  for (const event of events) {
    const line = lineOf(event);
    lines.push(line);
    if (isUrgent(event)) urgent.push(line);
  }
  const batch = toBytes(lines);
  return urgent.length === 0 ? batch : { ...batch, urgent: toBytes(urgent) };
}

function toBytes(lines: readonly string[]): Lines {
  return { lines: bytesOf(lines.join("")), count: lines.length };
}

const chunkBytes = 64 << 10;
let chunk = Buffer.allocUnsafeSlow(chunkBytes);
/** Bytes of `chunk` that belong to a batch. */
let used = 0;

/** `text` as UTF-8, in memory that small batches share: each of its own costs an allocation and a finalizer. */
function bytesOf(text: string): Buffer {
  const most = text.length * 3; // of a UTF-16 unit
  if (most > chunkBytes) return Buffer.from(text);
  if (most > chunkBytes - used) {
    chunk = Buffer.allocUnsafeSlow(chunkBytes);
    used = 0;
  }
  const start = used;
  used += chunk.write(text, start);
  return chunk.subarray(start, used);
}
