import type { TurnOwner } from "@guardbee/kube";
import type { Fleet } from "../fleet/fleet.ts";
import type { PolicyEntry } from "../fleet/objects.ts";
import type { Rail } from "../judge/guard-rails.ts";
import { subjectOf, type Units } from "./units.ts";

/** It is there, and has not been looked at yet. */
export class RailNotReady extends Error {
  override readonly name = "RailNotReady";

  constructor(rail: string) {
    super(`guard rail ${rail} cannot be evaluated: it is not compiled yet`);
  }
}

/** The guard rails that are RegoPolicies. */
export class OwnRails {
  readonly #fleet: Fleet;
  readonly #units: Units;
  /** What each that works evaluates, by set name. Written by works and forget. */
  readonly #working = new Map<string, string>();
  /** Why another gives no answer, by set name. Written by works, fails and forget. */
  readonly #broken = new Map<string, string>();

  constructor(fleet: Fleet, units: Units) {
    this.#fleet = fleet;
    this.#units = units;
  }

  /** What there is, in the order of names. */
  entries(): readonly PolicyEntry[] {
    return this.#fleet
      .regoEntries()
      .filter((entry) => isGuard(entry))
      .sort((a, b) => (a.setName < b.setName ? -1 : 1));
  }

  /** Those for a policy of `namespace`, or for one of the cluster. */
  rails(namespace: TurnOwner, how: "evaluate" | "review"): readonly Rail[] {
    return this.entries()
      .filter(({ object }) => [undefined, namespace].includes(object.metadata.namespace))
      .map((entry) => this.#railOf(entry, how));
  }

  /** True when it evaluates something else than before. */
  works(setName: string, content: string): boolean {
    this.#broken.delete(setName);
    if (this.#working.get(setName) === content) return false;
    this.#working.set(setName, content);
    return true;
  }

  /** One that worked before goes on as it was. */
  fails(setName: string, why: string): void {
    this.#broken.set(setName, why);
  }

  /** True when there was one. */
  forget(setName: string): boolean {
    const broken = this.#broken.delete(setName);
    return this.#working.delete(setName) || broken;
  }

  #railOf(entry: PolicyEntry, how: "evaluate" | "review"): Rail {
    const name = subjectOf(entry);
    return {
      name,
      decide: async (input, signal, owner) => {
        const unit = this.#units.inForce(entry.setName);
        if (!this.#working.has(entry.setName) || unit?.usable !== true) {
          const why = this.#broken.get(entry.setName);
          if (why === undefined) throw new RailNotReady(name);
          throw new Error(`guard rail ${name} cannot be evaluated: ${why}`);
        }
        return { [name]: await unit[how](input, owner, signal) };
      },
    };
  }
}

/** Whether a RegoPolicy yields policies, and stays. */
export function isGenerator({ object, deleting }: PolicyEntry): boolean {
  const { role } = (object.spec ?? {}) as { readonly role?: unknown };
  return role === "Generate" && !deleting;
}

/** Whether a RegoPolicy judges others, and stays. */
export function isGuard({ object, deleting }: PolicyEntry): boolean {
  const { role } = (object.spec ?? {}) as { readonly role?: unknown };
  return role === "Guardrail" && !deleting;
}
