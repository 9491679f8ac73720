import type { PolicyEntry } from "../fleet/objects.ts";
import { ModuleChecks } from "../opa/inspect.ts";
import type { Sandboxes } from "../opa/sandboxes.ts";
import { type LoadOptions, type RegoContent, RegoUnit, type UnitOptions } from "./unit.ts";

/** For all evaluations that one judgement of a namespace's generator needs. */
const namespacedBudgetMs = 5_000;

export type UnitsOptions = Pick<UnitOptions, "compile" | "clock"> & {
  readonly sandboxes: Sandboxes;
  /** For reviews of what is not stored; default the same. */
  readonly reviewSandboxes?: Sandboxes;
  /** What is to be said of a RegoPolicy, by set name, has changed: see Breaker. */
  readonly onBreak: (setName: string) => void;
};

/**
 * The Rego of every RegoPolicy: what is in force, and beside it what is to take its place, until it has
 * been seen to work.
 */
export class Units {
  readonly #options: UnitsOptions;
  readonly #checks: ModuleChecks;
  /** By set name. Written by promote, forget and close. */
  readonly #inForce = new Map<string, RegoUnit>();
  /** By set name. Written by of, promote, forget and close. */
  readonly #candidates = new Map<string, RegoUnit>();

  constructor(options: UnitsOptions) {
    this.#options = options;
    this.#checks = new ModuleChecks(options.sandboxes.cluster); // no other brings modules
  }

  names(): readonly string[] {
    return [...new Set([...this.#inForce.keys(), ...this.#candidates.keys()])];
  }

  /** Why evaluations of a RegoPolicy are not tried now, for the cluster's policies or its namespace's. */
  brokenFor({ setName, object }: PolicyEntry): string | undefined {
    const owners = object.metadata.namespace === undefined ? undefined : "any";
    const units = [this.#inForce.get(setName), this.#candidates.get(setName)];
    return units.map((unit) => unit?.brokenFor(owners)).find((why) => why !== undefined);
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
    const { compile, sandboxes, reviewSandboxes = sandboxes, clock, onBreak } = this.#options;
    const { namespace: owner } = entry.object.metadata;
    const whose = owner === undefined ? "cluster" : "namespaced";
    const [sandbox, reviewSandbox] = [sandboxes[whose], reviewSandboxes[whose]];
    const subject = subjectOf(entry);
    const unit = new RegoUnit({
      ...{ subject, owner, compile, sandbox, reviewSandbox, clock, checks: this.#checks },
      ...(owner === undefined ? {} : { budgetMs: namespacedBudgetMs }),
      onBreak: () => onBreak(setName),
    });
    this.#candidates.set(setName, unit);
    return unit;
  }

  /** Puts a unit that `of` gave into force. */
  promote(setName: string, unit: RegoUnit): void {
    if (this.#candidates.get(setName) !== unit) return;
    const before = this.#inForce.get(setName);
    this.#inForce.set(setName, unit);
    this.#candidates.delete(setName);
    before?.close();
  }

  forget(setName: string): void {
    const units = [this.#inForce.get(setName), this.#candidates.get(setName)];
    this.#inForce.delete(setName);
    this.#candidates.delete(setName);
    for (const unit of units) unit?.close();
  }

  close(): void {
    for (const name of this.names()) this.forget(name);
  }
}

/** `RegoPolicy edge`, `RegoPolicyNamespaced shop/edge`. */
export function subjectOf({ object, resource }: PolicyEntry): string {
  const { name, namespace } = object.metadata;
  return `${resource.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}
