import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PolicyStatus } from "@guardbee/policy";
import { examples, patienceMs } from "../guardbee.ts";
import { kubectl, kubectlOutput } from "../lab/cluster/kubectl.ts";
import { waitFor } from "../lab/progress.ts";
import { apply } from "./fleet.ts";

/** A policy as the API server has it. */
export type SeenPolicy = {
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly status?: PolicyStatus;
};

/** The seed's policy, or its variant with Override, for files below `prefix`. */
export function denyWrites({
  prefix = "/tmp/forbidden/",
  variant = "",
}: {
  readonly prefix?: string;
  readonly variant?: "" | "-override";
} = {}): string {
  const text = readFileSync(join(examples, `deny-tmp-forbidden-write${variant}.yaml`), "utf8");
  return text.replaceAll("/tmp/forbidden/", prefix);
}

export const denyWritesRef = "tracingpolicy/deny-tmp-forbidden-write";

/** Applies a policy and waits until it is Ready, and until its status is that of this content. */
export async function applyReady(ref: string, yaml: string): Promise<SeenPolicy> {
  await apply(yaml);
  return policyReady(ref);
}

/** Waits as `applyReady` does, for a policy that was applied. */
export function policyReady(ref: string): Promise<SeenPolicy> {
  return policyBecomes(ref, "Ready", (policy) => statusOf(policy, "Ready") === "True");
}

/** Waits until a policy, and a status of its newest generation, is as `is` says. */
export async function policyBecomes(
  ref: string,
  what: string,
  is: (policy: SeenPolicy) => boolean,
): Promise<SeenPolicy> {
  let last: SeenPolicy | undefined;
  return waitFor(
    `${ref} to be ${what}`,
    async () => {
      const { exitCode, stdout } = await kubectl(["get", ref, "-o", "json"]);
      last = exitCode === 0 ? JSON.parse(stdout) : undefined;
      if (last?.status?.observedGeneration !== last?.metadata.generation) return undefined;
      return last !== undefined && is(last) ? last : undefined;
    },
    { timeoutMs: patienceMs, everyMs: 500, detail: () => told(last) },
  );
}

function told(policy: SeenPolicy | undefined): string {
  const ready = policy === undefined ? undefined : conditionOf(policy, "Ready");
  return ready === undefined ? "absent" : `${ready.status}, ${ready.reason}: ${ready.message}`;
}

/** One condition of a policy. */
export function conditionOf({ status }: SeenPolicy, type: string) {
  return status?.conditions?.find((each) => each.type === type);
}

export function statusOf(policy: SeenPolicy, type: string): string | undefined {
  return conditionOf(policy, type)?.status;
}

export async function deletePolicy(ref: string): Promise<void> {
  await kubectlOutput(["delete", ref]);
}
