import { readFile } from "node:fs/promises";
import type { KubeObject } from "@guardbee/kube";
import type { Further, Policy } from "@guardbee/policy";
import type { Logger } from "pino";
import type { NamespaceEntry } from "../fleet/objects.ts";
import { type BuiltinRail, guardRailsModule, openBuiltinRail } from "./builtin-rail.ts";
import { type Guard, guardWith } from "./guard-rails.ts";
import { judge } from "./judge.ts";
import type { Judgement } from "./judgement.ts";
import { unseenNotes } from "./unseen-entry.ts";

export type OfflineJudgeOptions = {
  /** Of the cluster that the policies are meant for. */
  readonly namespaces: readonly NamespaceEntry[];
  readonly ownNamespace: string;
  readonly disabledGuardRails: readonly string[];
  readonly log: Logger;
};

/**
 * Judges policies as the operator does, outside of it: the same parsing, lowering and built-in guard
 * rails. Guard rails that a cluster has as RegoPolicies are not asked.
 */
export class OfflineJudge {
  readonly #rail: BuiltinRail;
  readonly #guard: Guard;

  /** Throws when the Rego is not built. */
  static async open(options: OfflineJudgeOptions): Promise<OfflineJudge> {
    const module = await readModule(guardRailsModule);
    return new OfflineJudge(options, openBuiltinRail({ module, log: options.log }));
  }

  private constructor(
    { namespaces, ownNamespace, disabledGuardRails: disabled }: OfflineJudgeOptions,
    rail: BuiltinRail,
  ) {
    this.#rail = rail;
    this.#guard = (subject, signal) => {
      const { namespace } = subject.set.policy;
      const seen = namespaces.filter(({ name }) => namespace === undefined || name === namespace);
      const labels = Object.fromEntries(seen.map(({ name, labels }) => [name, labels]));
      return guardWith([rail], subject, { ownNamespace, namespaces: labels, disabled }, signal);
    };
  }

  /** Throws EvaluationError when Rego gives no answer. */
  judge(object: KubeObject, signal: AbortSignal): Promise<Judgement> {
    return judge(object, this.#guard, signal);
  }

  /** What the operator would have against a policy that is well-formed, and what it would tell. */
  async further(policy: Policy, signal: AbortSignal): Promise<Further> {
    const judgement = await this.judge(policy as unknown as KubeObject, signal);
    const problems = judgement.kind === "refused" ? judgement.problems : [];
    const warnings = judgement.kind === "accepted" ? (judgement.warnings ?? []) : [];
    const told = judgement.kind === "guards" ? [] : (judgement.notes ?? []);
    const notes = told
      .filter(({ effect }) => effect !== "refused")
      .map(({ name, effect, message }) => `guard rail ${name} ${effect}: ${message}`);
    const unseen = judgement.kind === "accepted" ? unseenNotes(judgement.sets) : [];
    return { problems, warnings, notes: [...notes, ...unseen] };
  }

  close(): Promise<void> {
    return this.#rail.close();
  }
}

async function readModule(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(url));
  } catch (error) {
    const what = `${url.pathname}: cannot be read: ${(error as Error).message}; run make build`;
    throw new Error(what, { cause: error });
  }
}
