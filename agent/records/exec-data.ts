import { enums } from "../gen/layout.ts";
import type { DataRecord, ProcessKey } from "./kernel-record.ts";

/** What came before an exec record because it is too long for it. */
export type LongText = { readonly args: Buffer; readonly environment: Buffer };

const { DATA_ARGS, DATA_ENVIRONMENT } = enums.data_what;
const none = Buffer.alloc(0);

/**
 * Parts of argv and of environments whose exec records are still to come. Of one that never comes, as
 * the ring did not take it, the parts go when there are more bytes than `limitBytes` in all.
 */
export class ExecData {
  /** By start and pid, in the order in which their first parts came. */
  readonly #waiting = new Map<string, Parts>();
  readonly #limitBytes: number;
  #bytes = 0;
  #dropped = 0;

  constructor(limitBytes = 8 << 20) {
    this.#limitBytes = limitBytes;
  }

  add(record: DataRecord): void {
    const id = idOf(record.process);
    const parts = this.#waiting.get(id) ?? { args: [], environment: [], bytes: 0 };
    this.#waiting.set(id, parts);
    // Copied: it would keep the buffer of a whole batch.
    const bytes = Buffer.from(record.records.subarray(record.start, record.end));
    if (record.what === DATA_ARGS) parts.args.push(bytes);
    else if (record.what === DATA_ENVIRONMENT) parts.environment.push(bytes);
    else return; // of another version, which nothing here could read
    parts.bytes += bytes.length;
    this.#bytes += bytes.length;
    for (const [oldest, { bytes: freed }] of this.#waiting) {
      if (this.#bytes <= this.#limitBytes) break;
      this.#waiting.delete(oldest);
      this.#bytes -= freed;
      this.#dropped++;
    }
  }

  /** What came for the image `key`, which nothing more comes for. */
  take(key: ProcessKey): LongText {
    const id = idOf(key);
    const parts = this.#waiting.get(id);
    if (parts === undefined) return { args: none, environment: none };
    this.#waiting.delete(id);
    this.#bytes -= parts.bytes;
    return { args: Buffer.concat(parts.args), environment: Buffer.concat(parts.environment) };
  }

  /** How many images' parts were dropped for want of room. */
  get dropped(): number {
    return this.#dropped;
  }
}

type Parts = { readonly args: Buffer[]; readonly environment: Buffer[]; bytes: number };

function idOf({ pid, ktime }: ProcessKey): string {
  return `${ktime}:${pid}`;
}
