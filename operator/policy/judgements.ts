import { isRegoSet, parseRollout } from "@guardbee/policy";
import type { PolicyEntry } from "../fleet/objects.ts";
import type { Guard, Rail } from "../judge/guard-rails.ts";
import { judge } from "../judge/judge.ts";
import type { Judgement, Unanswered } from "../judge/judgement.ts";
import type { RegoPolicies } from "../rego/rego-policies.ts";
import { reviewRegoPolicy } from "../rego/review.ts";
import type { Compile } from "../rego/unit.ts";

/** What judges what is to be reviewed: what is stored does not wait for it. */
export type Reviews = { readonly builtin: Rail; readonly compile: Compile };

/**
 * Judgements by generation, so that a node that reports costs no parsing and no Rego. One a policy:
 * the set itself is kept too, which is about the size of the policy.
 */
export class Judgements {
  /** By set name. Written by get and forget. */
  readonly #known = new Map<string, { readonly key: string; readonly judgement: Judgement }>();
  readonly #rego: RegoPolicies;
  readonly #reviews: Reviews;

  constructor(rego: RegoPolicies, reviews: Reviews) {
    this.#rego = rego;
    this.#reviews = reviews;
  }

  /** The judgement of this generation; throws when Rego gives no answer. */
  async get(policy: PolicyEntry, signal: AbortSignal): Promise<Judgement | Unanswered> {
    // Labels and annotations are input to Rego, and no part of the generation.
    const { labels, annotations } = policy.object.metadata;
    const inputs = this.#rego.inputsOf(policy);
    const key = JSON.stringify([policy.uid, policy.generation, labels, annotations, inputs]);
    const known = this.#known.get(policy.setName);
    if (known?.key === key) return known.judgement;
    const judgement = await this.#judge(policy, signal);
    if (judgement.kind === "unknown") return judgement; // the next answer may be another
    this.#known.set(policy.setName, { key, judgement });
    return judgement;
  }

  /** As `get` for a policy that is not stored (yet): nothing is kept, written or put to use. */
  async check(policy: PolicyEntry, signal: AbortSignal): Promise<Judgement> {
    const refused = refusedAnnotations(policy);
    if (refused !== undefined) return refused;
    const { builtin, compile } = this.#reviews;
    if (policy.resource.group === "guardbee.io") {
      const over = this.#rego.overShare(policy);
      return over ?? reviewRegoPolicy(policy, compile, signal);
    }
    const guard: Guard = (subject, within) => this.#rego.review(subject, builtin, within);
    return judge(policy.object, guard, signal);
  }

  /** When `get` is to be asked again though nothing changed; Infinity: never. */
  dueInMs(setName: string): number {
    return this.#rego.dueInMs(setName);
  }

  async forget(setName: string, signal: AbortSignal): Promise<void> {
    this.#known.delete(setName);
    this.#rego.forget(setName);
    if (isRegoSet(setName)) await this.#rego.removeOrphans(signal);
  }

  async #judge(policy: PolicyEntry, signal: AbortSignal): Promise<Judgement | Unanswered> {
    const refused = refusedAnnotations(policy);
    if (refused !== undefined) return refused;
    if (policy.resource.group === "guardbee.io") return this.#rego.judge(policy, signal);
    const guard: Guard = (subject, within) => this.#rego.guard(subject, within);
    return judge(policy.object, guard, signal);
  }
}

function refusedAnnotations({ object }: PolicyEntry): Judgement | undefined {
  const parsed = parseRollout(object.metadata.annotations);
  if (parsed.ok) return undefined;
  return { kind: "refused", reason: "InvalidSpec", problems: parsed.problems };
}
