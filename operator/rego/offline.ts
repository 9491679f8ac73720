import {
  type KubeConnection,
  listObjects,
  type Resource,
  resources,
  systemClock,
} from "@guardbee/kube";
import {
  lower,
  type Problem,
  parsePolicyObject,
  parseRegoPolicy,
  type Result,
} from "@guardbee/policy";
import type { Logger } from "pino";
import { projectNode } from "../fleet/objects.ts";
import { compileRego } from "../opa/compile.ts";
import { inlineContent } from "./contents.ts";
import { type InventorySnapshot, inputsOf } from "./generate.ts";
import { projectWorkload, workloadResources } from "./inventory.ts";
import { type GeneratedObject, readResults } from "./results.ts";
import { RegoUnit } from "./unit.ts";

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
  const nodes = (await list(resources.node)).map((raw) => {
    const { name, labels, arch, kernel } = projectNode(raw);
    return { name, labels, arch, kernel };
  });
  const workloads = [];
  for (const resource of workloadResources) {
    for (const raw of await list(resource)) workloads.push(projectWorkload(resource, raw));
  }
  return { namespaces, nodes, workloads: workloads.filter((one) => one !== undefined) };
}

/**
 * What a RegoPolicy with modules generates from an inventory: the policies, checked and lowered, but
 * not judged by guard rails. Throws EvaluationError, and when opa cannot be run.
 */
export async function evaluateOffline(
  raw: unknown,
  inventory: InventorySnapshot,
  { opa, log }: { readonly opa: string; readonly log: Logger },
  signal: AbortSignal,
): Promise<Result<readonly GeneratedObject[]>> {
  const parsed = parseRegoPolicy(raw);
  if (!parsed.ok) return parsed;
  const { kind, metadata, spec } = parsed.value;
  if (spec.modules === undefined || spec.role !== "Generate") {
    return refuse("spec", "is no generator with modules", "write role: Generate and modules");
  }
  const unit = new RegoUnit({
    subject: `${kind} ${metadata.name}`,
    compile: (sources, { entryPoint, data }, within) =>
      compileRego(sources, { entryPoints: [entryPoint], data, opa, signal: within }),
    log,
    clock: systemClock,
  });
  try {
    const entryPoint = spec.entryPoint ?? "guardbee/generate/policies";
    const { limits = {}, nodeSelector } = spec;
    const loaded = await unit.load(inlineContent(parsed.value), { entryPoint, limits }, signal);
    if (!loaded.ok) return loaded;
    const namespace = kind === "RegoPolicyNamespaced" ? (metadata.namespace ?? "") : undefined;
    const seen = namespace === undefined ? inventory : inNamespace(inventory, namespace);
    const inputs = inputsOf(parsed.value, seen);
    const values = await unit.evaluateAll(
      inputs.map(({ input }) => input),
      signal,
    );
    const results = readResults(
      values.map((value, i) => ({ of: inputs[i]!.of, value })),
      {
        name: metadata.name,
        ...(namespace === undefined ? {} : { namespace }),
        ...(nodeSelector === undefined ? {} : { nodeSelector }),
      },
    );
    if (!results.ok) return results;
    const problems = results.value.flatMap(problemsOf);
    return problems.length === 0 ? results : { ok: false, problems };
  } finally {
    await unit.close();
  }
}

function inNamespace(inventory: InventorySnapshot, name: string): InventorySnapshot {
  return {
    namespaces: inventory.namespaces.filter((one) => one.name === name),
    nodes: [],
    workloads: inventory.workloads.filter(({ namespace }) => namespace === name),
  };
}

function problemsOf(object: GeneratedObject): readonly Problem[] {
  const parsed = parsePolicyObject(object);
  const lowered = parsed.ok ? lower(parsed.value) : parsed;
  if (lowered.ok) return [];
  const called = `${object.kind} ${object.metadata.name}`;
  return lowered.problems.map((one) => ({ ...one, field: `${called}: ${one.field}` }));
}

function refuse(field: string, what: string, fix: string): Result<never> {
  return { ok: false, problems: [{ field, what, fix, kind: "invalid" }] };
}
