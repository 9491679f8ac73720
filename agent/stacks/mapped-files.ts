import { type Mapping, type Mappings, mappingsOf } from "./mappings.ts";
import { busy, type TimeShare } from "./time-share.ts";

/** A process, and which image of it, where that is known: what has its number later is another. */
export type ProcessImage = { readonly pid: number; readonly ktime: bigint | undefined };

/** What a process has mapped is taken for the same so long; what lies in none of it is looked for again sooner. */
const [keptMs, keptMissMs] = [1000, 100];
const mostMappings = 32_768;

type Known = Mappings & { readonly readAt: number };

/** What processes run of files, as it was a moment ago: few calls of a process have it read again. */
export class MappedFiles {
  readonly #procfs: string;
  readonly #monotonic: () => number;
  readonly #share: TimeShare;
  /** By image, the latest read last. Written by `#read`, as `#count`. */
  readonly #known = new Map<string, Known>();
  #count = 0;

  constructor(procfs: string, monotonic: () => number, share: TimeShare) {
    this.#procfs = procfs;
    this.#monotonic = monotonic;
    this.#share = share;
  }

  /** undefined: the process is gone; `busy`: there is no time to read it. */
  of(image: ProcessImage, addresses: readonly bigint[]): Mappings | typeof busy | undefined {
    const key = `${image.pid} ${image.ktime}`;
    const known = this.#known.get(key);
    if (known !== undefined) {
      const age = this.#monotonic() - known.readAt;
      const hasAll = age < keptMissMs || addresses.every((one) => mappingAt(known, one));
      if (age < keptMs && hasAll) return known;
    }
    const read = this.#share.spend(() => mappingsOf(this.#procfs, image.pid));
    if (read === busy) return known ?? busy;
    this.#forget(key);
    if (read !== undefined && image.ktime !== undefined)
      this.#keep(key, { ...read, readAt: this.#monotonic() });
    return read;
  }

  #keep(key: string, known: Known): void {
    this.#known.set(key, known);
    this.#count += known.all.length;
    for (const oldest of this.#known.keys()) {
      if (this.#count <= mostMappings || oldest === key) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#count -= this.#known.get(key)?.all.length ?? 0;
    this.#known.delete(key);
  }
}

/** The one that `address` is in. */
export function mappingAt({ all }: Mappings, address: bigint): Mapping | undefined {
  return all.find(({ start, end }) => address >= start && address < end);
}
