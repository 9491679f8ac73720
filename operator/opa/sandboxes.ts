import type { Clock } from "@guardbee/kube";
import { regoLimits } from "@guardbee/policy";
import type { Logger } from "pino";
import { Sandbox } from "./sandbox.ts";

/** By who wrote the Rego: what one of a namespace does to its process is never the cluster's trouble. */
export type Sandboxes = { readonly cluster: Sandbox; readonly namespaced: Sandbox };

/** Two processes each at most; in that of the cluster's Rego one is kept for the cluster's own policies. */
export function openSandboxes(options: { readonly log: Logger; readonly clock: Clock }): Sandboxes {
  const { most: memoryMiB } = regoLimits.RegoPolicyNamespaced.memoryMiB;
  return {
    cluster: new Sandbox({ ...options, processes: 2, reserved: 1 }),
    namespaced: new Sandbox({ ...options, processes: 2, memoryMiB }),
  };
}
