import type { PolicyEntry } from "../fleet/objects.ts";
import { type LoadOptions, type RegoContent, RegoUnit, type UnitOptions } from "./unit.ts";

/**
 * The Rego of every RegoPolicy: what is in force, and beside it what is to take its place, until it has
 * been seen to work.
 */
export class Units {
  readonly #options: Omit<UnitOptions, "subject">;
  /** By set name. Written by promote, forget and close. */
  readonly #inForce = new Map<string, RegoUnit>();
  /** By set name. Written by of, promote, forget and close. */
  readonly #candidates = new Map<string, RegoUnit>();

  constructor(options: Omit<UnitOptions, "subject">) {
    this.#options = options;
  }

  names(): readonly string[] {
    return [...new Set([...this.#inForce.keys(), ...this.#candidates.keys()])];
  }

  inForce(setName: string): RegoUnit | undefined {
    return this.#inForce.get(setName);
  }

  /** Where to load `content`: where it is in force, else beside that. */
  of(entry: PolicyEntry, content: RegoContent, options: LoadOptions): RegoUnit {
    const { setName } = entry;
    const inForce = this.#inForce.get(setName);
    if (inForce?.holds(content, options)) return inForce;
    const known = this.#candidates.get(setName);
    if (known !== undefined) return known;
    const unit = new RegoUnit({ ...this.#options, subject: subjectOf(entry) });
    this.#candidates.set(setName, unit);
    return unit;
  }

  /** Puts a unit that `of` gave into force. */
  async promote(setName: string, unit: RegoUnit): Promise<void> {
    if (this.#candidates.get(setName) !== unit) return;
    const before = this.#inForce.get(setName);
    this.#inForce.set(setName, unit);
    this.#candidates.delete(setName);
    await before?.close();
  }

  async forget(setName: string): Promise<void> {
    const units = [this.#inForce.get(setName), this.#candidates.get(setName)];
    this.#inForce.delete(setName);
    this.#candidates.delete(setName);
    await Promise.all(units.map((unit) => unit?.close()));
  }

  async close(): Promise<void> {
    await Promise.all(this.names().map((name) => this.forget(name)));
  }
}

/** `RegoPolicy edge`, `RegoPolicyNamespaced shop/edge`. */
export function subjectOf({ object, resource }: PolicyEntry): string {
  const { name, namespace } = object.metadata;
  return `${resource.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}
