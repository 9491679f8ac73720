/** Test support: sinks that are given lines of which a test says what they are. */
import type { Batch, LineEncoder } from "../encode/lines.ts";
import type { AgentEvent } from "../event.ts";

/** `events` gives as many events as `batch` has lines, which `encoder` encodes as `batch`. */
export function someLines() {
  const batches = new Map<readonly AgentEvent[], Batch>();
  const encoder: LineEncoder = {
    encode(events) {
      const [first] = events;
      if (first?.kind !== "dropped") return batches.get(events)!;
      return { lines: Buffer.from(`dropped ${first.count}\n`), count: 1 };
    },
  };
  const events = (batch: Batch): readonly AgentEvent[] => {
    const made = new Array<AgentEvent>(batch.count);
    batches.set(made, batch);
    return made;
  };
  return { encoder, events };
}
