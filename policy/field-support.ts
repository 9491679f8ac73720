import { actionKind, actionNames } from "./actions/index.ts";
import { argOperatorNames } from "./args/index.ts";
import { gainedOperator } from "./conditions/gained.ts";
import { celOperator } from "./lower/cel-exprs.ts";
import { lower } from "./lower/index.ts";
import type { Policy } from "./parse-object.ts";
import type { Problem } from "./problem.ts";
import { positionIn } from "./schema/dsl.ts";
import type { Shape } from "./schema/shape.ts";

export type Taken = {
  /** `yes`, `no`, or with what. */
  readonly here: string;
  /** Of a field with a fixed set of values: those that are taken. */
  readonly values: readonly string[] | undefined;
};

export type FieldKind = "TracingPolicy" | "ExecPolicy";
type Json = Readonly<Record<string, unknown>>;

/**
 * What this version makes of the field at `path` (`spec.kprobes[].args[].type`), by lowering policies
 * that have it: so it cannot say anything else than `guardbee policy check` does.
 */
export function whatIsTaken(kind: FieldKind, spec: Shape, path: string): Taken {
  const steps = path.split(".").slice(1);
  const { parent, field } = shapesAt(spec, steps);
  const values = valuesOf(kind, spec, steps, field);
  if (values !== undefined) return { here: values.length === 0 ? "no" : "yes", values };
  const value = sampleOf(field, steps.at(-1)!);
  const isTaken = variantsOf(kind, spec, steps, parent).some(
    (beside) => problemsWith(kind, policyWith(spec, steps, value, beside), steps).length === 0,
  );
  if (!isTaken) return { here: "no", values };
  const ofCluster = isRefusedInNamespaces(kind, policyWith(spec, steps, value), steps);
  return { here: ofCluster ? "yes, of the cluster" : "yes", values };
}

/** Of a field with a fixed set of values, those that are taken. */
function valuesOf(
  kind: FieldKind,
  spec: Shape,
  steps: readonly string[],
  field: Shape,
): readonly string[] | undefined {
  return field.enum?.filter(
    (value) =>
      canBe(kind, steps, value) &&
      problemsWith(kind, policyWith(spec, steps, value), steps).length === 0,
  );
}

/** What lowering says only where everything around it is right. */
function canBe(kind: FieldKind, steps: readonly string[], value: string): boolean {
  const path = steps.join(".");
  if (path.endsWith(".matchArgs[].operator")) {
    return (
      value === celOperator ||
      value === gainedOperator ||
      argOperatorNames.some((one) => one === value)
    );
  }
  if (kind !== "ExecPolicy" || !path.endsWith(".matchActions[].action")) return true;
  const action = actionNames.find((one) => one === value);
  const fields = Object.values(action === undefined ? {} : actionKind(action).schema.properties);
  return fields.every((field) => positionIn(field) === undefined); // an exec has no arguments
}

function isRefusedInNamespaces(kind: FieldKind, spec: Json, steps: readonly string[]): boolean {
  const at = fieldOf(steps);
  const isRefused = (one: string) => problemsOf(one, spec).some(({ field }) => field === at);
  return isRefused(`${kind}Namespaced`) && !isRefused(kind);
}

/** What lowering has against the field itself, what it is in, or what is in it. */
function problemsWith(kind: FieldKind, spec: Json, steps: readonly string[]): readonly Problem[] {
  const at = fieldOf(steps);
  return problemsOf(kind, spec).filter(
    ({ kind, field, what }) =>
      kind === "unsupported"
        ? isWithin(at, field) || isWithin(field, at)
        : field === at && what.endsWith(" only"), // a word for another kind of hook
  );
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || [".", "["].some((next) => inner.startsWith(outer + next));
}

function problemsOf(kind: string, spec: Json): readonly Problem[] {
  const namespace = kind.endsWith("Namespaced") ? { namespace: "default" } : {};
  const metadata = { name: "p", ...namespace };
  const policy = { apiVersion: "cilium.io/v1alpha1", kind, metadata, spec };
  const lowered = lower(policy as unknown as Policy);
  return lowered.ok ? [] : lowered.problems;
}

/** `spec.kprobes[0].args[0].type` */
function fieldOf(steps: readonly string[]): string {
  return ["spec", ...steps.map((step) => step.replace("[]", "[0]"))].join(".");
}

/** The smallest spec that has `value` at `steps`; `beside` goes into the same object. */
function policyWith(
  spec: Shape,
  steps: readonly string[],
  value: unknown,
  beside: Json = {},
): Json {
  const [first, ...rest] = steps;
  const name = first!.replace("[]", "");
  const member = spec.properties![name]!;
  const base = (sampleOf(spec, "") ?? {}) as Json;
  if (rest.length === 0) return { ...base, ...beside, [name]: value };
  const inner = first!.endsWith("[]") ? member.items! : member;
  const below = policyWith(inner, rest, value, beside);
  return { ...base, [name]: first!.endsWith("[]") ? [below] : below };
}

function shapesAt(spec: Shape, steps: readonly string[]): { parent: Shape; field: Shape } {
  let parent = spec;
  for (const step of steps.slice(0, -1)) {
    const member = parent.properties![step.replace("[]", "")]!;
    parent = step.endsWith("[]") ? member.items! : member;
  }
  return { parent, field: parent.properties![steps.at(-1)!]! };
}

/** What may stand beside a field: it may be taken with one of the values of its neighbour only. */
function variantsOf(
  kind: FieldKind,
  spec: Shape,
  steps: readonly string[],
  parent: Shape,
): readonly Json[] {
  const variants = Object.entries(parent.properties ?? {}).flatMap(([name, field]) =>
    (valuesOf(kind, spec, [...steps.slice(0, -1), name], field) ?? []).map((value) => ({
      [name]: value,
    })),
  );
  return variants.length === 0 ? [{}] : variants;
}

/** Words that lowering looks up. */
const samples: Readonly<Record<string, unknown>> = { call: "sys_write", message: "text" };

/** A value that fits, with nothing in it that need not be there. */
function sampleOf(shape: Shape, name: string): unknown {
  if (name in samples) return samples[name];
  switch (shape.type) {
    case "object": {
      const required = shape.required ?? [];
      const members = required.map((key) => [key, sampleOf(shape.properties![key]!, key)]);
      if (shape.additionalProperties !== undefined) {
        return { key: sampleOf(shape.additionalProperties, "") };
      }
      return Object.fromEntries(members);
    }
    case "array":
      return [sampleOf(shape.items!, "")];
    case "integer":
      return Math.max(shape.minimum ?? 1, 1);
    case "boolean":
      return true;
    default:
      return shape.enum?.[0] ?? "text";
  }
}
