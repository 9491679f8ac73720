import type { CgroupScope, Scopes } from "../engine.ts";
import { layout } from "../gen/layout.ts";
import { bytesOf } from "../layout/struct.ts";
import type { KernelError, Native } from "./native.ts";
import { type PinnedIds, u32 } from "./pinned-ids.ts";

/** Scope class by number: the names of the sets that hold in it. Class 0 is the host's. */
export type Classes = readonly ReadonlySet<string>[];

/** The highest number a class can have; every attach point keeps a row for each up to the last. */
export const classLimit = 32768;

/**
 * Gives each distinct list of set names a number, and writes which cgroup is in which class. A
 * number's meaning never changes while some cgroup has it.
 */
export class ScopeClasses {
  readonly #native: Native;
  readonly #ids: PinnedIds;
  readonly #cgroups: number;
  readonly #state: number;
  /** Class number → its sets, for classes whose list this agent has seen. Writer: #numberFor. */
  readonly #sets = new Map<number, ReadonlySet<string>>();

  /** Of the shared maps: `cgroup_class` and `scope_state`. */
  constructor(native: Native, ids: PinnedIds, cgroups: number, state: number) {
    this.#native = native;
    this.#ids = ids;
    this.#cgroups = cgroups;
    this.#state = state;
  }

  /** Numbers every list in `scopes`; throws RangeError when there are more than classLimit. */
  number(scopes: Scopes): Classes {
    for (const { sets } of cgroupScopes(scopes)) this.#numberFor(sets);
    const last = Math.max(0, ...this.#ids.numbers());
    // A number of an earlier agent whose list is not known yet: what every pod has, until assigned.
    const everyPod = new Set(scopes.podRoots.flatMap(({ sets }) => sets));
    const classes: ReadonlySet<string>[] = [];
    for (let number = 0; number <= last; number++) {
      classes.push(number === 0 ? new Set(scopes.host) : (this.#sets.get(number) ?? everyPod));
    }
    return classes;
  }

  /**
   * Writes cgroup → class; parents come first, because new children inherit from them. What cannot
   * be written for one cgroup holds up no other: gives back which those are, and the error's code.
   */
  assign(scopes: Scopes): ReadonlyMap<bigint, string> {
    const wanted = cgroupScopes(scopes);
    const ids = BigUint64Array.from(wanted.map(({ id }) => id));
    const numbers = Uint32Array.from(wanted.map(({ sets }) => this.#numberFor(sets)));
    if (wanted.length === 0) return new Map();
    const [keys, values] = [new Uint8Array(ids.buffer), new Uint8Array(numbers.buffer)];
    try {
      this.#native.updateBatch(this.#cgroups, keys, values, wanted.length);
      return new Map();
    } catch {
      return this.#assignEach(wanted, keys, values);
    }
  }

  #assignEach(
    wanted: readonly CgroupScope[],
    keys: Uint8Array,
    values: Uint8Array,
  ): ReadonlyMap<bigint, string> {
    const failed = new Map<bigint, string>();
    for (const [i, { id }] of wanted.entries()) {
      const value = values.subarray(4 * i, 4 * i + 4);
      try {
        this.#native.update(this.#cgroups, keys.subarray(8 * i, 8 * i + 8), value);
      } catch (error) {
        failed.set(id, (error as Partial<KernelError>).code ?? String(error));
      }
    }
    // From now on a cgroup without a class has that of the nearest one above it, not the host's.
    const isFull = bytesOf(layout.scope_state, { full: 1, zero: 0 });
    if (failed.size > 0) this.#native.update(this.#state, u32(0), isFull);
    return failed;
  }

  /** Frees the numbers that no cgroup has any more. */
  collect(): void {
    const keys = this.#native.keys(this.#cgroups);
    const used = new Set<number>();
    const value = Buffer.alloc(4);
    for (let at = 0; at < keys.length; at += 8) {
      if (this.#native.lookup(this.#cgroups, keys.subarray(at, at + 8), value)) {
        used.add(value.readUInt32LE());
      }
    }
    this.#ids.release(used);
    for (const number of this.#sets.keys()) if (!used.has(number)) this.#sets.delete(number);
  }

  #numberFor(sets: readonly string[]): number {
    const number = this.#ids.ensure(sets.join("\n"));
    if (number === undefined) {
      throw new RangeError(`more than ${classLimit} different lists of policies on one node`);
    }
    if (!this.#sets.has(number)) this.#sets.set(number, new Set(sets));
    return number;
  }
}

function cgroupScopes(scopes: Scopes): readonly CgroupScope[] {
  return [...scopes.podRoots, ...scopes.cgroups];
}

/** Room for so many classes and as many more, so that a new one seldom needs new tables. */
export function capacityFor(classes: number): number {
  let capacity = 64;
  while (capacity < classes * 2) capacity *= 2;
  return Math.min(capacity, classLimit);
}
