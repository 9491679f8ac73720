import { canonicalJson, type RegoPolicy } from "@guardbee/policy";
import type { PolicyEntry } from "../fleet/objects.ts";
import type { Guarded, GuardSubject } from "../judge/guard-rails.ts";
import { judge } from "../judge/judge.ts";
import type { Judgement } from "../judge/judgement.ts";
import type { WrittenSets } from "../rollout/written-sets.ts";
import { generate } from "./generate.ts";
import type { GuardVersions } from "./guard-versions.ts";
import type { InventoryView } from "./inventory-view.ts";
import type { GeneratedObject } from "./results.ts";
import type { RegoUnit } from "./unit.ts";

export type GeneratedOptions = {
  readonly sets: WrittenSets;
  readonly inventory: InventoryView;
  /** Of the guard rails: a judgement is good as long as theirs is the same. */
  readonly guards: GuardVersions;
  readonly guard: (subject: GuardSubject, signal: AbortSignal) => Promise<Guarded>;
};

/** What generators yield: each object is judged once, and again when guard rails have changed. */
export class Generated {
  readonly #options: GeneratedOptions;
  /** Generated object → its judgement, of each unit's last evaluation. Written by generate. */
  readonly #judged = new WeakMap<RegoUnit, ReadonlyMap<string, Judgement>>();

  constructor(options: GeneratedOptions) {
    this.#options = options;
  }

  /** The judgement of all that the Rego of `policy` yields for the inventory as it is. */
  async generate(
    entry: PolicyEntry,
    policy: RegoPolicy,
    unit: RegoUnit,
    signal: AbortSignal,
  ): Promise<Judgement> {
    const { guards, inventory, sets } = this.#options;
    const known = this.#judged.get(unit);
    const judged = new Map<string, Judgement>();
    const owner = entry.object.metadata.namespace;
    const judgeOnce = async (object: GeneratedObject): Promise<Judgement> => {
      const key = canonicalJson([guards.of(owner), object]);
      const judgement =
        known?.get(key) ?? (await this.#judgePolicy(object, owner === undefined, signal));
      judged.set(key, judgement);
      return judgement;
    };
    const judgement = await generate(
      policy,
      await inventory.snapshot(policy, signal),
      {
        evaluateAll: (inputs, within) => unit.evaluateAll(inputs, within),
        judge: judgeOnce,
        // Not what the watch shows: while it lags nothing would be in force, and any drop go through.
        inForce: sets.current(entry.setName)?.rules ?? {},
      },
      signal,
    );
    this.#judged.set(unit, judged);
    return judgement;
  }

  #judgePolicy(
    object: GeneratedObject,
    ofCluster: boolean,
    signal: AbortSignal,
  ): Promise<Judgement> {
    const guard = (subject: GuardSubject, within: AbortSignal) =>
      this.#options.guard({ ...subject, ofCluster }, within);
    return judge(object, guard, signal);
  }
}
