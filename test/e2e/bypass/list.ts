/** Test support: lists of programs, in force in a container. */
import assert from "node:assert/strict";
import type { NamedSet } from "../../../agent/engine.ts";
import type { GuestKernel } from "../../../agent/kernel/testing/guest-kernel.ts";
import { policyIn } from "../../../agent/kernel/testing/policies.ts";
import type { Image } from "./image.ts";

/** A policy with lists of programs. */
export function listOf(rules: string, mode: "enforce" | "monitor" = "enforce"): NamedSet {
  return policyIn(`
apiVersion: cilium.io/v1alpha1
kind: ExecPolicy
metadata: { name: list }
spec:
  podSelector: {}
  mode: ${mode}
  rules:
${rules.replace(/^/gm, "    ")}
`);
}

/** Such a policy, in force in the container. */
export async function listInForce(
  kernel: GuestKernel,
  image: Image,
  rules: string,
  mode: "enforce" | "monitor" = "enforce",
): Promise<void> {
  await setsInForce(kernel, image, [listOf(rules, mode)]);
}

/** These policies alone, in force in the container. */
export async function setsInForce(
  kernel: GuestKernel,
  image: Image,
  sets: readonly NamedSet[],
): Promise<void> {
  const names = sets.map(({ name }) => name).sort();
  const scopes = { host: [], cgroups: [{ id: image.cgroup.id, sets: names }] };
  for (const state of await kernel.program(sets, scopes)) {
    assert.equal(state.state, "programmed", JSON.stringify(state));
  }
}

/** What the shell of the image says of a program that is denied. */
export const eperm = (path: string) => `/bin/sh: ${path}: Operation not permitted`;
