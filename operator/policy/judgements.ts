import type { PolicyEntry } from "../fleet/objects.ts";
import { type Judgement, judge } from "./judge.ts";
import type { Translate } from "./translate.ts";

/**
 * Judgements by generation, so that a node that reports costs no parsing and no Rego. One a policy:
 * the set itself is kept too, which is about the size of the policy.
 */
export class Judgements {
  /** By set name. Written by get and forget. */
  readonly #known = new Map<string, { readonly key: string; readonly judgement: Judgement }>();
  readonly #translate: Translate;

  constructor(translate: Translate) {
    this.#translate = translate;
  }

  /** The judgement of this generation; throws when Rego gives no answer. */
  async get(policy: PolicyEntry, signal: AbortSignal): Promise<Judgement> {
    // Labels are input to Rego, and no part of the generation.
    const { labels, annotations } = policy.object.metadata;
    const key = JSON.stringify([policy.uid, policy.generation, labels, annotations]);
    const known = this.#known.get(policy.setName);
    if (known?.key === key) return known.judgement;
    const judgement = await judge(policy.object, this.#translate, signal);
    this.#known.set(policy.setName, { key, judgement });
    return judgement;
  }

  forget(setName: string): void {
    this.#known.delete(setName);
  }
}
