import { readFile } from "node:fs/promises";
import {
  type Clock,
  connect,
  FairSlots,
  type KubeConnection,
  observeRequests,
  systemClock,
  type TurnShares,
} from "@guardbee/kube";
import { namespaceOfSet } from "@guardbee/policy";
import type { Logger } from "pino";
import { assertHostPatterns } from "./bundle/index.ts";
import { Fleet } from "./fleet/fleet.ts";
import { guardRailsModule, openBuiltinRail } from "./judge/builtin-rail.ts";
import { OperatorMetrics } from "./metrics/metrics.ts";
import { compileRego } from "./opa/compile.ts";
import { findOpa } from "./opa/find-opa.ts";
import { openSandboxes, type Sandboxes } from "./opa/sandboxes.ts";
import type { OperatorOptions } from "./options.ts";
import { Judgements } from "./policy/judgements.ts";
import { openQueues, policyChanged, type Queues } from "./queues.ts";
import { RegoPolicies } from "./rego/rego-policies.ts";
import { GuardRailSwitches } from "./rego/switches.ts";
import type { Compile } from "./rego/unit.ts";
import { WrittenSets } from "./rollout/written-sets.ts";

/** What an operator is made of. Each part knows those before it; nothing runs yet. */
export type OperatorParts = {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: OperatorMetrics;
  readonly connection: KubeConnection;
  /** Where we run. */
  readonly namespace: string;
  readonly queues: Queues;
  readonly fleet: Fleet;
  readonly switches: GuardRailSwitches;
  /** Resolves when the whole of the cluster has been seen. */
  readonly known: Promise<unknown>;
  /** Whether it has. */
  readonly seen: () => boolean;
  readonly sets: WrittenSets;
  readonly sandboxes: Sandboxes;
  readonly rego: RegoPolicies;
  readonly judgements: Judgements;
  readonly close: () => Promise<void>;
};

/** Throws where options make no sense, and when no API server or no Rego module is found. */
export async function openOperator(options: OperatorOptions): Promise<OperatorParts> {
  const { log, clock = systemClock, regoDeadlineMs: deadlineMs = 2_000 } = options;
  assertHostPatterns([...(options.bundleHosts ?? []), ...(options.namespacedBundleHosts ?? [])]);
  const module = new Uint8Array(await readFile(options.guardRailsModule ?? guardRailsModule));
  const metrics = new OperatorMetrics();
  const plain = options.connection ?? (await connectTo(options));
  const connection = observeRequests(plain, metrics.request, clock);
  const namespace = options.namespace ?? connection.namespace;
  const queues = openQueues({ clock, log });
  const fleet = new Fleet({ connection, clock, log, onWatchStep: metrics.watchStep });
  const { disabledGuardRails: disabled = [] } = options;
  const switches = new GuardRailSwitches({ connection, namespace, disabled, clock, log });
  const sets = new WrittenSets(fleet, clock);
  const ofBuiltin = { module, deadlineMs, clock, log: log.child({ component: "guard-rails" }) };
  // The controller's, and that of reviews: whoever may ask for those must not hold up the other.
  const [builtin, reviewing] = [openBuiltinRail(ofBuiltin), openBuiltinRail(ofBuiltin)];
  const ofRego = { clock, log: log.child({ component: "rego" }), onEvaluated: metrics.evaluated };
  const sandboxes = openSandboxes(ofRego);
  const reviewSandboxes = openSandboxes({ ...ofRego, processes: 1 });
  const rego = new RegoPolicies({
    ...{ connection, fleet, sets, builtin, clock, log: ofRego.log },
    ...{ sandboxes, reviewSandboxes, ownNamespace: namespace },
    compile: compileWith(options.opa, { size: 2, reserved: 1, perNamespace: 1 }),
    disabledGuardRails: () => switches.disabled,
    bundleHosts: options.bundleHosts,
    namespacedBundleHosts: options.namespacedBundleHosts ?? [],
    bundleTimeoutMs: options.bundleTimeoutMs,
    regoChanged: (name, delayMs) => policyChanged(queues, name, delayMs),
    guardsChanged: (changedIn) => {
      for (const name of fleet.setNames()) {
        const concerned = changedIn === undefined || namespaceOfSet(name) === changedIn;
        if (concerned) policyChanged(queues, name);
      }
    },
  });
  const compile = compileWith(options.opa, { size: 1, reserved: 0, perNamespace: 1 });
  const judgements = new Judgements(rego, { builtin: reviewing, compile });
  const known = Promise.all([fleet.synced, switches.synced]);
  let seen = false;
  known.then(() => {
    seen = true;
  });
  return {
    ...{ clock, log, metrics, connection, namespace, queues, fleet, switches, sets },
    ...{ sandboxes, rego, judgements, known, seen: () => seen },
    async close() {
      rego.close();
      for (const each of [sandboxes, reviewSandboxes]) {
        for (const sandbox of Object.values(each)) sandbox.close();
      }
      await Promise.all([builtin.close(), reviewing.close()]);
      if (options.connection === undefined) connection.close();
    },
  };
}

/** Each run of opa is a process that takes a core and up to 512 MiB. */
function compileWith(opa: string | undefined, shares: Omit<TurnShares, "cluster">): Compile {
  const slots = new FairSlots(shares);
  return async (sources, { entryPoint, data, owner }, signal) => {
    const release = await slots.acquire(owner, signal);
    try {
      const options = { entryPoints: [entryPoint], data, signal };
      return await compileRego(sources, { ...options, opa: opa ?? (await findOpa()) });
    } finally {
      release();
    }
  };
}

function connectTo({ kubeconfig }: OperatorOptions): Promise<KubeConnection> {
  const userAgent = "guardbee-operator";
  return connect(kubeconfig === undefined ? { userAgent } : { kubeconfig, userAgent });
}
