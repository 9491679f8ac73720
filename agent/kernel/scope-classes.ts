import { isDeepStrictEqual } from "node:util";
import type { CgroupScope, PodRoot, Scopes } from "../engine.ts";
import { enums, layout } from "../gen/layout.ts";
import { bytesOf, type Values } from "../layout/struct.ts";
import type { Expected } from "./expected.ts";
import type { KernelError, Native } from "./native.ts";
import { type PinnedIds, u32 } from "./pinned-ids.ts";

/** Scope class by number: the names of the sets that hold in it. */
export type Classes = readonly ReadonlySet<string>[];

/** The highest number a class can have; every attach point keeps a row for each up to the last. */
export const classLimit = 32768;

const { SCOPE_HOST, SCOPE_UNKNOWN_POD } = enums.scope_class;
const { PLACE_ROOT, PLACE_ANYWHERE } = enums.scope_place;

type Place = Values<typeof layout.scope_state>;

/** The first number of a list of sets; those before it are the two that every node has. */
export const firstClass = SCOPE_UNKNOWN_POD + 1;

/**
 * Gives each distinct list of set names a number, and writes which cgroup is in which class. A
 * number's meaning never changes while some cgroup has it, but with the sets: of the host, and of
 * pods that are not known.
 */
export class ScopeClasses {
  readonly #native: Native;
  readonly #ids: PinnedIds;
  readonly #cgroups: number;
  readonly #state: number;
  /** What `scope_state` says; undefined before the first `enterRoots`, which alone writes it. */
  #place: Place | undefined;
  /** Class number → its sets, for classes whose list this agent has seen. Writer: #numberFor. */
  readonly #sets = new Map<number, ReadonlySet<string>>();

  /** Of the shared maps: `cgroup_class` and `scope_state`. */
  constructor(native: Native, ids: PinnedIds, cgroups: number, state: number) {
    this.#native = native;
    this.#ids = ids;
    this.#cgroups = cgroups;
    this.#state = state;
  }

  /** The cgroups that have a class. */
  assigned(): ReadonlySet<bigint> {
    const keys = this.#native.keys(this.#cgroups);
    const bytes = Buffer.from(keys);
    const ids = Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readBigUInt64LE(8 * i));
    return new Set(ids);
  }

  /** Numbers every list in `scopes`; throws RangeError when there are more than classLimit. */
  number(scopes: Scopes): Classes {
    for (const { sets } of scopes.cgroups) this.#numberFor(sets);
    const last = Math.max(SCOPE_UNKNOWN_POD, ...this.#ids.numbers());
    // A number of an earlier agent whose list is not known yet: as a pod that is not known.
    const unknownPod = new Set(scopes.unknownPods);
    const classes: ReadonlySet<string>[] = [];
    for (let number = 0; number <= last; number++) {
      const known = number === SCOPE_HOST ? new Set(scopes.host) : this.#sets.get(number);
      classes.push(known ?? unknownPod);
    }
    return classes;
  }

  /**
   * Tells the kernel where pods are: from then on nothing there is the host's. Gives back the folders
   * that could not be written, and the error's code.
   */
  enterRoots({ podRoots, cgroups }: Scopes): ReadonlyMap<bigint, string> {
    const failed = this.#write(foldersOfPods(podRoots));
    const state = placeOf(podRoots, cgroups);
    if (state === undefined || isDeepStrictEqual(state, this.#place)) return failed;
    // A call in between finds its class by looking everywhere, whatever root is written meanwhile.
    this.#writeState({ ...this.#place, place: PLACE_ANYWHERE });
    this.#writeState({ ...state, place: PLACE_ANYWHERE });
    this.#writeState(state);
    this.#place = state;
    return failed;
  }

  /**
   * Writes cgroup → class. What cannot be written for one cgroup holds up no other: gives back which
   * those are, and the error's code. They have the class of the nearest cgroup above.
   */
  assign({ cgroups }: Scopes): ReadonlyMap<bigint, string> {
    return this.#write(cgroups.map(({ id, sets }) => [id, this.#numberFor(sets)] as const));
  }

  #write(wanted: readonly (readonly [id: bigint, number: number])[]): ReadonlyMap<bigint, string> {
    if (wanted.length === 0) return new Map();
    const ids = BigUint64Array.from(wanted.map(([id]) => id));
    const numbers = Uint32Array.from(wanted.map(([, number]) => number));
    const [keys, values] = [new Uint8Array(ids.buffer), new Uint8Array(numbers.buffer)];
    try {
      this.#native.updateBatch(this.#cgroups, keys, values, wanted.length);
      return new Map();
    } catch {
      return this.#writeEach(ids, keys, values);
    }
  }

  #writeEach(ids: BigUint64Array, keys: Uint8Array, values: Uint8Array) {
    const failed = new Map<bigint, string>();
    for (const [i, id] of ids.entries()) {
      const value = values.subarray(4 * i, 4 * i + 4);
      try {
        this.#native.update(this.#cgroups, keys.subarray(8 * i, 8 * i + 8), value);
      } catch (error) {
        failed.set(id, (error as Partial<KernelError>).code ?? String(error));
      }
    }
    return failed;
  }

  #writeState(state: Partial<Place>): void {
    this.#native.update(this.#state, u32(0), bytesOf(layout.scope_state, state));
  }

  /**
   * What the tables must have. Cgroups that took no class are not among it, and those leave that are
   * not among `living`.
   */
  expected(
    scopes: Scopes,
    unassigned: ReadonlyMap<bigint, string>,
    living: () => ReadonlySet<bigint>,
  ): readonly Expected[] {
    const wanted = [...this.#classOf(scopes)].filter(([id]) => !unassigned.has(id));
    const restore = () => this.#restore(scopes, living());
    const classes: Expected = {
      ...{ kind: "scope", what: "cgroup_class", map: this.#cgroups, count: wanted.length },
      key: (index) => new Uint8Array(BigUint64Array.of(wanted[index]![0]).buffer),
      value: (index) => u32(wanted[index]![1]),
      mayEnd: () => {
        const [there, alive] = [this.assigned(), living()];
        return wanted.every(([id]) => there.has(id) || !alive.has(id));
      },
      restore,
    };
    const place = this.#place;
    if (place === undefined) return [classes];
    const state: Expected = {
      ...{ kind: "scope", what: "scope_state", map: this.#state, count: 1 },
      key: u32,
      value: () => bytesOf(layout.scope_state, place),
      restore,
    };
    return [classes, state];
  }

  /** Nothing takes the entry of a cgroup away that was gone before it was written. */
  #restore(scopes: Scopes, living: ReadonlySet<bigint>): void {
    if (this.#place !== undefined) this.#writeState(this.#place);
    this.#write([...this.#classOf(scopes)].filter(([id]) => living.has(id)));
  }

  #classOf({ podRoots, cgroups }: Scopes): ReadonlyMap<bigint, number> {
    return new Map([
      ...foldersOfPods(podRoots),
      ...cgroups.map(({ id, sets }) => [id, this.#numberFor(sets)] as const),
    ]);
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

/** The class of each folder in which pods are made: a pod is what is right below the lowest of them. */
function foldersOfPods(podRoots: readonly PodRoot[]): readonly (readonly [bigint, number])[] {
  const folders = podRoots.flatMap(({ id, qosFolders = [] }) => [id, ...qosFolders]);
  return folders.map((id) => [id, SCOPE_UNKNOWN_POD]);
}

/**
 * What the kernel is to know of where pods are. undefined: there are none, and what it knows stays;
 * at first, that every process is the host's.
 */
function placeOf(podRoots: readonly PodRoot[], cgroups: readonly CgroupScope[]): Place | undefined {
  const [first, ...others] = podRoots;
  if (first === undefined && cgroups.length === 0) return undefined;
  return first?.level !== undefined && others.length === 0
    ? { root: first.id, level: first.level, place: PLACE_ROOT }
    : { root: 0n, level: 0, place: PLACE_ANYWHERE };
}

/** Room for so many classes and as many more, so that a new one seldom needs new tables. */
export function capacityFor(classes: number): number {
  let capacity = 64;
  while (capacity < classes * 2) capacity *= 2;
  return Math.min(capacity, classLimit);
}
