import type { Clock } from "@guardbee/kube";
import { regoLimits } from "@guardbee/policy";
import type { Logger } from "pino";
import { type EvaluationOutcome, Sandbox, type SandboxOptions } from "./sandbox.ts";

/** By who wrote the Rego: what one of a namespace does to its process is never the cluster's trouble. */
export type Sandboxes = { readonly cluster: Sandbox; readonly namespaced: Sandbox };

export type SandboxesOptions = {
  readonly log: Logger;
  readonly clock: Clock;
  /** Of each; all but one of the cluster's are kept for the cluster's own policies. Default 2. */
  readonly processes?: number;
  readonly onEvaluated?: (rego: keyof Sandboxes, outcome: EvaluationOutcome) => void;
};

export function openSandboxes({
  processes = 2,
  onEvaluated,
  ...options
}: SandboxesOptions): Sandboxes {
  const { most: memoryMiB } = regoLimits.RegoPolicyNamespaced.memoryMiB;
  const open = (rego: keyof Sandboxes, more: Partial<SandboxOptions>) =>
    new Sandbox({
      ...{ ...options, processes, ...more },
      onEvaluated: (outcome) => onEvaluated?.(rego, outcome),
    });
  return {
    cluster: open("cluster", { reserved: processes - 1 }),
    namespaced: open("namespaced", { memoryMiB }),
  };
}
