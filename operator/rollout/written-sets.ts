import type { Clock, KubeObject } from "@guardbee/kube";
import type { Fleet } from "../fleet/fleet.ts";
import { projectSet, type SetEntry } from "../fleet/objects.ts";

/** How long the watch may take to show us our own write. */
const echoMs = 10_000;

/** SelectorSets as they are: what the watch shows, or our own last write until the watch shows it. */
export class WrittenSets {
  readonly #fleet: Pick<Fleet, "set">;
  readonly #clock: Clock;
  /** By name. Written by current, wrote and forget. */
  readonly #written = new Map<string, { readonly set: SetEntry; readonly atMs: number }>();

  constructor(fleet: Pick<Fleet, "set">, clock: Clock) {
    this.#fleet = fleet;
    this.#clock = clock;
  }

  current(name: string): SetEntry | undefined {
    const seen = this.#fleet.set(name);
    const written = this.#written.get(name);
    if (written === undefined) return seen;
    const { set, atMs } = written;
    const late = this.#clock.monotonic() - atMs > echoMs;
    const echoed = seen?.uid === set.uid && seen.generation >= set.generation;
    if (!late && !echoed) return set;
    this.#written.delete(name);
    return seen;
  }

  /** `object`: the API server's answer to the write. */
  wrote(object: KubeObject): void {
    const atMs = this.#clock.monotonic();
    this.#written.set(object.metadata.name, { set: projectSet(object), atMs });
  }

  forget(name: string): void {
    this.#written.delete(name);
  }
}
