import type { Clock } from "@guardbee/kube";
import { regoLimits } from "@guardbee/policy";
import type { Logger } from "pino";
import { Sandbox } from "./sandbox.ts";

/** By who wrote the Rego: what one of a namespace does to its process is never the cluster's trouble. */
export type Sandboxes = { readonly cluster: Sandbox; readonly namespaced: Sandbox };

export type SandboxesOptions = {
  readonly log: Logger;
  readonly clock: Clock;
  /** Of each; all but one of the cluster's are kept for the cluster's own policies. Default 2. */
  readonly processes?: number;
};

export function openSandboxes({ processes = 2, ...options }: SandboxesOptions): Sandboxes {
  const { most: memoryMiB } = regoLimits.RegoPolicyNamespaced.memoryMiB;
  return {
    cluster: new Sandbox({ ...options, processes, reserved: processes - 1 }),
    namespaced: new Sandbox({ ...options, processes, memoryMiB }),
  };
}
