import {
  hashSets,
  type Problem,
  type RegoPolicy,
  type SelectorSet,
  setName,
} from "@guardbee/policy";
import { modeOf, type NamespaceEntry, type NodeEntry } from "../fleet/objects.ts";
import { countRules, type RuleCounts, totalOf } from "../fleet/rule-counts.ts";
import type { GuardNote } from "../judge/guard-rails.ts";
import { hasEnforcing } from "../judge/judge.ts";
import type { Judgement } from "../judge/judgement.ts";
import { countDropped } from "./drop-guard.ts";
import type { Workload } from "./inventory.ts";
import { type GeneratedObject, readResults } from "./results.ts";

/** A node, as Rego sees it. */
export type InventoryNode = Pick<NodeEntry, "name" | "labels" | "arch" | "kernel">;

export function inventoryNode({ name, labels, arch, kernel }: NodeEntry): InventoryNode {
  return { name, labels, arch, kernel };
}

/** What there is in the cluster; of a RegoPolicyNamespaced, in its namespace. */
export type InventorySnapshot = {
  readonly namespaces: readonly NamespaceEntry[];
  readonly nodes: readonly InventoryNode[];
  readonly workloads: readonly Workload[];
};

/** One evaluation: its input, and what problems in its result are said to be of. */
export type GeneratorInput = { readonly of: string; readonly input: unknown };

/** The inputs of `policy` over `inventory`, one an evaluation. */
export function inputsOf(
  { spec }: RegoPolicy,
  inventory: InventorySnapshot,
): readonly GeneratorInput[] {
  const { namespaces, workloads } = inventory;
  switch (spec.evaluate ?? "WholeSet") {
    case "WholeSet":
      return [{ of: "policies", input: { inventory } }];
    case "PerNamespace":
      return namespaces.map((namespace) => ({
        of: `policies(namespace ${namespace.name})`,
        input: { namespace },
      }));
    case "PerWorkload": {
      const byName = new Map(namespaces.map((one) => [one.name, one]));
      return workloads.map((workload) => ({
        of: `policies(${workload.kind} ${workload.namespace}/${workload.name})`,
        input: {
          workload,
          namespace: byName.get(workload.namespace) ?? { name: workload.namespace, labels: {} },
        },
      }));
    }
  }
}

export type GenerateDeps = {
  /** One value an input. Throws when Rego gives no answer. */
  readonly evaluateAll: (
    inputs: readonly unknown[],
    signal: AbortSignal,
  ) => Promise<readonly unknown[]>;
  /** Judges one policy like one written by hand. */
  readonly judge: (object: GeneratedObject, signal: AbortSignal) => Promise<Judgement>;
  /** Rules of what is in force now. */
  readonly inForce: RuleCounts;
};

/** The annotation that lets a drop through: the digest of the very result that is held back. */
export const acknowledgeDrop = "guardbee.io/acknowledge-drop";

/**
 * What a generator comes to over `inventory`: one set a policy it yields, or why what is in force
 * stays. All or nothing: one policy that is refused refuses them all.
 */
export async function generate(
  policy: RegoPolicy,
  inventory: InventorySnapshot,
  deps: GenerateDeps,
  signal: AbortSignal,
): Promise<Judgement> {
  const inputs = inputsOf(policy, inventory);
  const values = await deps.evaluateAll(
    inputs.map(({ input }) => input),
    signal,
  );
  const { name, namespace, annotations = {} } = policy.metadata;
  const { nodeSelector, limits = {} } = policy.spec;
  const generator = {
    name,
    ...(policy.kind === "RegoPolicyNamespaced" ? { namespace: namespace ?? "" } : {}),
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
  };
  const results = values.map((value, i) => ({ of: inputs[i]!.of, value }));
  const read = readResults(results, generator);
  if (!read.ok) return { kind: "refused", reason: "InvalidResult", problems: read.problems };
  const judged = await acceptAll(read.value, deps, signal);
  if (!("sets" in judged)) return judged;
  const { sets, notes } = judged;
  const counts = countRules(sets);
  const rules = totalOf(counts);
  const { maxRules = 1000, maxDropPercent = 50 } = limits;
  if (rules > maxRules) {
    const what = `has ${rules} rules, more than ${maxRules}`;
    const fix = "generate fewer, or raise spec.limits.maxRules";
    return refuse("TooManyRules", { field: "policies", what, fix, kind: "invalid" });
  }
  const hash = hashSets(sets);
  const before = totalOf(deps.inForce);
  const dropped = countDropped(deps.inForce, counts);
  if (dropped * 100 > before * maxDropPercent && annotations[acknowledgeDrop] !== hash) {
    const what = `drops ${dropped} of ${before} rules in force, more than ${maxDropPercent} %`;
    const fix = `to let it through, annotate the RegoPolicy with ${acknowledgeDrop}=${hash}`;
    const held = refuse("DropHeld", { field: "policies", what, fix, kind: "invalid" });
    return { ...held, held: hash };
  }
  return {
    kind: "accepted",
    mode: modeOf(sets),
    enforces: sets.some(hasEnforcing),
    hash,
    nodes: sets[0]?.nodes,
    sets,
    notes,
    rego: { rules, policies: sets.length },
  };
}

async function acceptAll(
  objects: readonly GeneratedObject[],
  deps: GenerateDeps,
  signal: AbortSignal,
): Promise<
  | { readonly sets: readonly SelectorSet[]; readonly notes: readonly GuardNote[] }
  | Extract<Judgement, { kind: "refused" }>
> {
  const sets: SelectorSet[] = [];
  const notes: GuardNote[] = [];
  const problems: Problem[] = [];
  let guarded = true;
  for (const object of objects) {
    const judged = await deps.judge(object, signal);
    const { kind, metadata } = object;
    const called = `${kind} ${metadata.namespace ? `${metadata.namespace}/` : ""}${metadata.name}`;
    notes.push(
      ...("notes" in judged ? (judged.notes ?? []) : []).map((one) => ({
        ...one,
        message: `${called}: ${one.message}`,
      })),
    );
    if (judged.kind === "accepted") sets.push(...judged.sets);
    else if (judged.kind === "refused") {
      guarded &&= judged.reason === "Refused";
      problems.push(
        ...judged.problems.map((one) => ({ ...one, field: `${called}: ${one.field}` })),
      );
    }
  }
  if (problems.length > 0) {
    const reason = guarded ? "Refused" : "InvalidResult";
    return { kind: "refused", reason, problems, notes: notes.slice(0, 20) };
  }
  sets.sort((a, b) => (setName(a.policy) < setName(b.policy) ? -1 : 1));
  return { sets, notes: notes.slice(0, 20) };
}

function refuse(reason: "TooManyRules" | "DropHeld", problem: Problem) {
  return { kind: "refused", reason, problems: [problem] } as const;
}
