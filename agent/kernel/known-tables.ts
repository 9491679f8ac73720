import { isDeepStrictEqual } from "node:util";
import { namesOf } from "../compile/class-rows.ts";
import type { AttachPoint } from "../compile/plan.ts";
import type { Shared } from "../compile/shared.ts";
import type { Held } from "./held.ts";

/**
 * Attach points in force whose tables need not be made again: they are compiled from the same. Of a
 * node's policies an edit changes one.
 */
export class KnownTables {
  readonly #bySite: ReadonlyMap<string, Held>;
  readonly #shared: Shared;
  readonly #moved: ReadonlySet<string> | undefined;
  /** Whether what all attach points shared is as it is now. Written by #isShared. */
  readonly #same = new Map<Shared, boolean>();

  /** `moved`: as in Attacher. */
  constructor(held: Iterable<Held>, shared: Shared, moved: ReadonlySet<string> | undefined) {
    this.#bySite = new Map([...held].map((one) => [one.point.site, one]));
    this.#shared = shared;
    this.#moved = moved;
  }

  /**
   * What is in force at `point`, when that would be compiled to the same, and both slots have it; with
   * what is shared now, of which there is one only then.
   */
  of(point: AttachPoint): Held | undefined {
    const held = this.#bySite.get(point.site);
    if (held === undefined || this.#moved === undefined) return undefined;
    const isSame =
      held.point === point && // which `plan` gives for the same sets and kernel
      held.program.has(held.tables) &&
      this.#isShared(held.shared) &&
      (this.#moved.size === 0 || namesOf(point).isDisjointFrom(this.#moved));
    return isSame ? { ...held, shared: this.#shared } : undefined;
  }

  /** But for scope classes, of which `moved` tells, and numbers of hooks, which are those of their sets. */
  #isShared(before: Shared): boolean {
    const known = this.#same.get(before);
    if (known !== undefined) return known;
    const { binaries, followGroups, classCapacity } = this.#shared;
    const same =
      before.classCapacity === classCapacity &&
      isDeepStrictEqual(before.binaries, binaries) &&
      isDeepStrictEqual(before.followGroups, followGroups);
    this.#same.set(before, same);
    return same;
  }
}
