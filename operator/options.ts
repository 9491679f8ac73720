import type { Clock, KubeConnection } from "@guardbee/kube";
import type { RolloutPlan } from "@guardbee/policy";
import type { Logger } from "pino";
import type { WebhookOptions } from "./admission/webhook.ts";

export type OperatorOptions = {
  readonly log: Logger;
  /** Default: the pod's service account, KUBECONFIG or ~/.kube/config. */
  readonly connection?: KubeConnection;
  readonly kubeconfig?: string;
  /** Where we run and keep our Lease; default the connection's namespace. */
  readonly namespace?: string;
  /** Unique to this process; default the host name (in a pod its name) and the process id. */
  readonly identity?: string;
  /** `lease`: lead only while holding the Lease. `none`: for a single process. Default `lease`. */
  readonly leaderElection?: "lease" | "none";
  /** For /healthz, /readyz and /metrics; default none. 0 picks a free one. */
  readonly healthPort?: number;
  /** For the validating webhook; default none. */
  readonly webhook?: WebhookOptions;
  /** The compiled `rego/guardrails`; default rego/build/guardrails.wasm of this checkout. */
  readonly guardRailsModule?: string | URL;
  /** Built-in guard rails that are off, by name, beside those that a ConfigMap switches off. */
  readonly disabledGuardRails?: readonly string[];
  /** The opa program, for RegoPolicies; default environment variable OPA, else `opa` on PATH. */
  readonly opa?: string;
  /** For one evaluation of built-in Rego; default 2 s. */
  readonly regoDeadlineMs?: number;
  /** The only hosts that bundles of RegoPolicies may come from, in the same form; default any. */
  readonly bundleHosts?: readonly string[];
  /**
   * The only hosts that bundles of RegoPolicyNamespaceds may come from: `name`, `name:port`,
   * `*.domain`. Default none: what they ask goes out from our network, and they read the answer.
   */
  readonly namespacedBundleHosts?: readonly string[];
  /** For one fetch of a bundle; default 30 s. */
  readonly bundleTimeoutMs?: number;
  /** Between two status writes of one policy; default 5 s. */
  readonly statusIntervalMs?: number;
  /** Between two writes of one NodePolicySet; default 2 s. */
  readonly nodeIntervalMs?: number;
  /** Between two looks at what nodes learned; default 5 s. */
  readonly proposalIntervalMs?: number;
  /** After which a silent node no longer holds up the rest; default 2 min. */
  readonly unreachableMs?: number;
  /** How changes reach nodes where a policy does not say; default all at once. */
  readonly rollout?: RolloutPlan;
  readonly clock?: Clock;
};
