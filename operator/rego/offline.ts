import {
  type KubeConnection,
  listObjects,
  type Resource,
  resources,
  systemClock,
} from "@guardbee/kube";
import {
  type Problem,
  parseRegoPolicy,
  type RegoPolicy,
  type Result,
  type SelectorSet,
} from "@guardbee/policy";
import type { Logger } from "pino";
import type { Bundle } from "../bundle/index.ts";
import { projectNode } from "../fleet/objects.ts";
import { countRules } from "../fleet/rule-counts.ts";
import type { GuardNote } from "../judge/guard-rails.ts";
import { OfflineJudge } from "../judge/offline-judge.ts";
import { compileRego } from "../opa/compile.ts";
import { ModuleChecks } from "../opa/inspect.ts";
import { Sandbox } from "../opa/sandbox.ts";
import { bundleContent, inlineContent, limitsOf } from "./contents.ts";
import { type GenerateDeps, generate, type InventorySnapshot, inventoryNode } from "./generate.ts";
import { projectWorkload, workloadResources } from "./inventory.ts";
import type { GeneratedObject } from "./results.ts";
import { defaultEntryPoints } from "./review.ts";
import { type Compile, loadUnit, type RegoContent } from "./unit.ts";

/** The inventory of a cluster, as generators see it there. Throws KubeError. */
export async function exportInventory(
  connection: KubeConnection,
  signal: AbortSignal,
): Promise<InventorySnapshot> {
  const list = (resource: Resource) => listObjects(connection, resource, undefined, signal);
  const namespaces = (await list(resources.namespace)).map(
    ({ metadata: { name, labels = {} } }) => ({
      name,
      labels,
    }),
  );
  const nodes = (await list(resources.node)).map((raw) => inventoryNode(projectNode(raw)));
  const workloads = [];
  for (const resource of workloadResources) {
    for (const raw of await list(resource)) workloads.push(projectWorkload(resource, raw));
  }
  return { namespaces, nodes, workloads: workloads.filter((one) => one !== undefined) };
}

export type OfflineOptions = {
  readonly opa: string;
  readonly log: Logger;
  /** Where Guardbee runs in the cluster that the policies are meant for. */
  readonly ownNamespace: string;
  /** What is in force of this RegoPolicy, for the drop guard; default nothing. */
  readonly inForce?: readonly SelectorSet[];
  /** For a RegoPolicy whose Rego is in a bundle; none is fetched. */
  readonly bundle?: Bundle;
};

/** What a RegoPolicy would come to in a cluster with a given inventory. */
export type OfflineResult = {
  readonly policies: readonly GeneratedObject[];
  /** The same, as they would be in force. */
  readonly sets: readonly SelectorSet[];
  /** What built-in guard rails did to them. */
  readonly notes: readonly GuardNote[];
  /** Why the drop guard would hold it back. */
  readonly held?: Problem;
};

/**
 * What a RegoPolicy generates from an inventory: the policies, judged as the operator
 * judges them, but for guard rails of the cluster's own. Throws EvaluationError, and when opa cannot
 * be run.
 */
export async function evaluateOffline(
  raw: unknown,
  inventory: InventorySnapshot,
  { opa, log, ownNamespace, inForce = [], bundle }: OfflineOptions,
  signal: AbortSignal,
): Promise<Result<OfflineResult>> {
  const loaded = await loadOffline(raw, { opa, log, bundle }, signal);
  if (!loaded.ok) return loaded;
  const { policy, evaluateAll } = loaded.value;
  const { namespaces } = inventory;
  const judge = await OfflineJudge.open({ namespaces, ownNamespace, disabledGuardRails: [], log });
  try {
    const seen = seenBy(policy, inventory);
    const policies: GeneratedObject[] = [];
    const sets: SelectorSet[] = [];
    const notes: GuardNote[] = [];
    const deps: GenerateDeps = {
      evaluateAll,
      judge: async (object, within) => {
        const judged = await judge.judge(object, within);
        policies.push(object);
        if (judged.kind === "accepted") sets.push(...judged.sets);
        if (judged.kind === "accepted") notes.push(...(judged.notes ?? []));
        return judged;
      },
      inForce: countRules(inForce),
    };
    const judgement = await generate(policy, seen, deps, signal);
    if (judgement.kind !== "refused") return { ok: true, value: { policies, sets, notes } };
    const { reason, problems } = judgement;
    if (reason !== "DropHeld") return { ok: false, problems };
    return { ok: true, value: { policies, sets, notes, held: problems[0]! } };
  } finally {
    loaded.value.close();
    await judge.close();
  }
}

/** A generator, ready to be evaluated. */
export type OfflineUnit = {
  readonly policy: RegoPolicy;
  readonly content: RegoContent;
  readonly entryPoint: string;
  readonly evaluate: (input: unknown, signal: AbortSignal) => Promise<unknown>;
  readonly evaluateAll: GenerateDeps["evaluateAll"];
  readonly close: () => void;
};

/** The generator in a file, compiled as the operator would. Close it. */
export async function loadOffline(
  raw: unknown,
  {
    opa,
    log,
    bundle,
  }: Pick<OfflineOptions, "opa" | "log"> & { readonly bundle: Bundle | undefined },
  signal: AbortSignal,
): Promise<Result<OfflineUnit>> {
  const parsed = parseRegoPolicy(raw);
  if (!parsed.ok) return parsed;
  const policy = parsed.value;
  const { kind, metadata, spec } = policy;
  if (spec.role !== "Generate") return refuse("spec.role", "is not Generate", "give a generator");
  if (spec.modules === undefined && bundle === undefined) {
    return refuse("spec.modules", "is missing", "write modules, or give the bundle as well");
  }
  const content: Result<RegoContent> =
    bundle === undefined
      ? { ok: true, value: inlineContent(policy) }
      : bundleContent(policy, bundle);
  if (!content.ok) return content;
  const sandbox = new Sandbox({ log });
  const owner = kind === "RegoPolicyNamespaced" ? metadata.namespace : undefined;
  const options = {
    owner,
    subject: `${kind} ${metadata.name}`,
    compile: ((sources, { entryPoint, data }, within) =>
      compileRego(sources, { entryPoints: [entryPoint], data, opa, signal: within })) as Compile,
    sandbox,
    checks: new ModuleChecks(sandbox),
    clock: systemClock,
  };
  const entryPoint = spec.entryPoint ?? defaultEntryPoints.Generate;
  const close = () => sandbox.close();
  let ready = false;
  try {
    const load = { entryPoint, limits: limitsOf(policy) };
    const loaded = await loadUnit(content.value, load, options, signal);
    if (!loaded.ok) return loaded;
    const unit = loaded.value;
    ready = true;
    const value: OfflineUnit = {
      ...{ policy, content: content.value, entryPoint, close },
      evaluate: (input, within) => unit.evaluate(input, owner, within),
      evaluateAll: (inputs, within) => unit.evaluateAll(inputs, within),
    };
    return { ok: true, value };
  } finally {
    if (!ready) close();
  }
}

/** What of the inventory a RegoPolicy is evaluated over. */
export function seenBy(
  { kind, metadata }: RegoPolicy,
  inventory: InventorySnapshot,
): InventorySnapshot {
  if (kind !== "RegoPolicyNamespaced") return inventory;
  return inNamespace(inventory, metadata.namespace ?? "");
}

function inNamespace(inventory: InventorySnapshot, name: string): InventorySnapshot {
  return {
    namespaces: inventory.namespaces.filter((one) => one.name === name),
    nodes: [],
    workloads: inventory.workloads.filter(({ namespace }) => namespace === name),
  };
}

function refuse(field: string, what: string, fix: string): Result<never> {
  return { ok: false, problems: [{ field, what, fix, kind: "invalid" }] };
}
