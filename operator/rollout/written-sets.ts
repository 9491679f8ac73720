import { type Clock, type KubeObject, OwnWrites } from "@guardbee/kube";
import type { Fleet } from "../fleet/fleet.ts";
import { projectSet, type SetEntry } from "../fleet/objects.ts";

/** SelectorSets as they are: what the watch shows, or our own last write until the watch shows it. */
export class WrittenSets {
  readonly #fleet: Pick<Fleet, "set">;
  readonly #writes: OwnWrites<SetEntry>;

  constructor(fleet: Pick<Fleet, "set">, clock: Clock) {
    this.#fleet = fleet;
    this.#writes = new OwnWrites({ shows, clock });
  }

  current(name: string): SetEntry | undefined {
    return this.#writes.current(name, this.#fleet.set(name));
  }

  /** `object`: the API server's answer to the write. */
  wrote(object: KubeObject): void {
    this.#writes.wrote(object.metadata.name, projectSet(object));
  }

  forget(name: string): void {
    this.#writes.forget(name);
  }
}

function shows(seen: SetEntry, written: SetEntry): boolean {
  return seen.uid === written.uid && seen.generation >= written.generation;
}
