import type { TurnOwner } from "@guardbee/kube";
import type { PolicyEntry } from "../fleet/objects.ts";
import type { Rail } from "../judge/guard-rails.ts";
import { type RegoPolicyState, unitInForce } from "./rego-state.ts";

/** It is there, and has not been looked at yet. */
export class RailNotReady extends Error {
  override readonly name = "RailNotReady";

  constructor(rail: string) {
    super(`guard rail ${rail} cannot be evaluated: it is not compiled yet`);
  }
}

/** The guard rails among `all` RegoPolicies, in the order of names. */
export function guardRailsIn(all: readonly PolicyEntry[]): readonly PolicyEntry[] {
  return all.filter(isGuard).sort((a, b) => (a.setName < b.setName ? -1 : 1));
}

/** Whether a guard rail has a say in a policy of `namespace`, or in one of the cluster. */
export function appliesTo({ object }: PolicyEntry, namespace: TurnOwner): boolean {
  return [undefined, namespace].includes(object.metadata.namespace);
}

/** A RegoPolicy as a guard rail, by what there is of its Rego when it is asked. */
export function ownRail(
  entry: PolicyEntry,
  stateOf: () => RegoPolicyState | undefined,
  how: "evaluate" | "review",
): Rail {
  const name = subjectOf(entry);
  return {
    name,
    decide: async (input, signal, owner) => {
      const state = stateOf() ?? { kind: "none" };
      const unit = unitInForce(state);
      if (unit !== undefined) return { [name]: await unit[how](input, owner, signal) };
      if (state.kind !== "broken") throw new RailNotReady(name);
      throw new Error(`guard rail ${name} cannot be evaluated: ${state.why}`);
    },
  };
}

/** Whether a RegoPolicy yields policies, and stays. */
export function isGenerator({ object, deleting }: PolicyEntry): boolean {
  const { role } = (object.spec ?? {}) as { readonly role?: unknown };
  return role === "Generate" && !deleting;
}

/** Whether a RegoPolicy judges others, and stays. */
export function isGuard({ object, deleting }: PolicyEntry): boolean {
  const { role } = (object.spec ?? {}) as { readonly role?: unknown };
  return role === "Guardrail" && !deleting;
}

/** `RegoPolicy edge`, `RegoPolicyNamespaced shop/edge`. */
export function subjectOf({ object, resource }: PolicyEntry): string {
  const { name, namespace } = object.metadata;
  return `${resource.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}
