import type { RegoPolicy } from "@guardbee/policy";
import { type Bundle, BundleError } from "../bundle/index.ts";
import type { PolicyEntry } from "../fleet/objects.ts";
import type { Accepted, Guards, Judgement, Unanswered } from "../judge/judgement.ts";
import type { Bundles } from "./bundles.ts";
import { bundleContent, inlineContent, limitsOf } from "./contents.ts";
import type { Generated } from "./generated.ts";
import { RailNotReady } from "./own-rails.ts";
import type { PolicyRego } from "./policy-rego.ts";
import { defaultEntryPoints } from "./review.ts";
import type { RegoContent } from "./unit.ts";

export type RegoJudgeOptions = { readonly bundles: Bundles; readonly generated: Generated };

/** A RegoPolicy to judge. */
export type RegoSubject = {
  readonly entry: PolicyEntry;
  readonly policy: RegoPolicy;
  readonly rego: PolicyRego;
  /** Called when its bundle has become the last good one. */
  readonly keep: (bundle: Bundle) => Promise<void>;
};

type Judged = Judgement | Unanswered;

/** Judges RegoPolicies by what their Rego comes to. */
export class RegoJudge {
  readonly #options: RegoJudgeOptions;

  constructor(options: RegoJudgeOptions) {
    this.#options = options;
  }

  /** Puts what is of use into force. Rego that gives no answer is in the result. */
  judge(subject: RegoSubject, signal: AbortSignal): Promise<Judged> {
    const { policy } = subject;
    if (policy.spec.modules === undefined) return this.#judgeSource(subject, signal);
    return this.#judgeContent(subject, inlineContent(policy), signal);
  }

  /** Of the bundle that its source gives; where that is of no use, also of the last good one. */
  async #judgeSource(subject: RegoSubject, signal: AbortSignal): Promise<Judged> {
    const { entry, policy, keep } = subject;
    const { bundles } = this.#options;
    const { bundle, error } = await bundles.get(entry, policy, signal);
    const refs = error === undefined ? {} : { unresolved: describe(error) };
    const judged =
      bundle === undefined ? undefined : await this.#judgeBundle(subject, bundle, signal);
    if (bundle !== undefined && judged !== undefined && isUsable(judged)) {
      await keep(bundle);
      return { ...judged, ...refs };
    }
    const kept = await bundles.lastGood(entry, policy, signal);
    if (kept === undefined || kept.digest === bundle?.digest) {
      return { ...(judged ?? { kind: "unknown", message: describe(error!) }), ...refs };
    }
    const instead = await this.#judgeBundle(subject, kept, signal);
    if (judged === undefined) return { ...instead, ...refs };
    return { ...judged, ...refs, ...(isUsable(instead) ? { lastGood: instead } : {}) };
  }

  async #judgeBundle(subject: RegoSubject, bundle: Bundle, signal: AbortSignal): Promise<Judged> {
    const content = bundleContent(subject.policy, bundle);
    if (content.ok) return this.#judgeContent(subject, content.value, signal);
    return { kind: "refused", reason: "InvalidRego", problems: content.problems };
  }

  async #judgeContent(
    subject: RegoSubject,
    content: RegoContent,
    signal: AbortSignal,
  ): Promise<Judged> {
    const { entry, policy, rego } = subject;
    const { spec } = policy;
    const entryPoint = spec.entryPoint ?? defaultEntryPoints[spec.role];
    const { digest, revision } = content;
    const about = { digest, ...(revision ? { revision } : {}) };
    try {
      const loaded = await rego.load(content, { entryPoint, limits: limitsOf(policy) }, signal);
      if (!loaded.ok) return { kind: "refused", reason: "InvalidRego", problems: loaded.problems };
      if (spec.role === "Guardrail") {
        rego.works(loaded.value);
        const broken = rego.brokenFor(ownersOf(entry));
        return broken === undefined
          ? { kind: "guards", rego: about }
          : { kind: "unknown", message: broken };
      }
      const { generated } = this.#options;
      const judgement = await generated.generate(entry, policy, loaded.value, signal);
      if (judgement.kind !== "accepted") return judgement;
      rego.works(loaded.value);
      return { ...judgement, rego: { ...about, ...judgement.rego } };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof RailNotReady) throw error;
      return { kind: "unknown", message: (error as Error).message };
    }
  }
}

/** For whose policies a RegoPolicy's evaluations say something of it when they break. */
export function ownersOf({ object }: PolicyEntry): "any" | undefined {
  return object.metadata.namespace === undefined ? undefined : "any";
}

/** Whether something of a RegoPolicy can be put into force. */
export function isUsable(judged: Judged): judged is Accepted | Guards {
  return judged.kind === "accepted" || judged.kind === "guards";
}

function describe(error: Error): string {
  return error instanceof BundleError ? `${error.reason}: ${error.message}` : error.message;
}
