import type { Batch } from "./sinks/sink.ts";

/** Collects lines until they go to the sinks. */
export class LineBatch {
  #lines = "";
  #count = 0;
  #urgent = "";
  #urgentCount = 0;

  /** `urgent`: a line of those that a sink short of room takes first. */
  add(line: string, urgent: boolean): void {
    this.#lines += line;
    this.#count++;
    if (!urgent) return;
    this.#urgent += line;
    this.#urgentCount++;
  }

  /** How many lines. */
  get count(): number {
    return this.#count;
  }

  /** In UTF-16 units. */
  get length(): number {
    return this.#lines.length;
  }

  /** Everything, which this no longer has. */
  take(): Batch {
    const batch = { lines: Buffer.from(this.#lines), count: this.#count };
    const urgent = { lines: Buffer.from(this.#urgent), count: this.#urgentCount };
    this.#lines = "";
    this.#count = 0;
    this.#urgent = "";
    this.#urgentCount = 0;
    return urgent.count === 0 ? batch : { ...batch, urgent };
  }
}
