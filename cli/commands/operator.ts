import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { KubeconfigError, type TrustedClients } from "@guardbee/kube";
import { pino } from "pino";
import { aPort, type Command, exit, UsageError } from "../command.ts";

export type OperatorArgs = {
  readonly namespace: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly healthPort: number | undefined;
  readonly webhookPort: number | undefined;
  readonly webhookClientCa: string | undefined;
  readonly webhookClientName: readonly string[] | undefined;
  readonly disableGuardRail: readonly string[] | undefined;
  readonly rolloutWaves: string;
  readonly rolloutInterval: string;
  readonly bundleHosts: readonly string[] | undefined;
  readonly namespacedBundleHosts: readonly string[] | undefined;
  readonly logLevel: "trace" | "debug" | "info" | "warn" | "error";
};

export const operator: Command<OperatorArgs> = {
  name: "operator",
  positionals: "",
  summary: "Turn the cluster's policies into what each node must hold, and report their status",
  examples: ["operator", "operator --kubeconfig ~/.kube/config --log-level debug"],
  options: (yargs) =>
    yargs
      .option("namespace", {
        type: "string",
        describe: "Where the leader's Lease is [default: the namespace that this runs in]",
      })
      .option("kubeconfig", {
        type: "string",
        describe: "How to reach the cluster [default: from inside it, else KUBECONFIG]",
      })
      .option("health-port", {
        ...aPort("health-port"),
        describe: "Serve /healthz, /readyz and /metrics here",
      })
      .option("webhook-port", {
        ...aPort("webhook-port"),
        describe: "Serve the validating webhook here, over TLS",
      })
      .option("webhook-client-ca", {
        type: "string",
        describe:
          "A PEM file: who asks the webhook needs a client certificate of this CA [default: whoever reaches the port]",
      })
      .option("webhook-client-name", {
        type: "string",
        array: true,
        implies: "webhook-client-ca",
        describe: "And one of these common names [default: any]",
      })
      .option("disable-guard-rail", {
        type: "string",
        array: true,
        choices: ["cluster-wide", "host-protection", "namespace-rights", "system-namespaces"],
        describe:
          "Switch off a built-in guard rail; without a restart: ConfigMap guardbee-guard-rails",
      })
      .option("rollout-waves", {
        type: "string",
        default: "100%",
        describe: "Nodes, or per cent of them, that get a change in each wave: 1,10%,100%",
      })
      .option("rollout-interval", {
        type: "string",
        default: "2m",
        describe: "From one wave to the next, at least",
      })
      .option("bundle-hosts", {
        type: "string",
        array: true,
        describe:
          "Hosts that bundles of RegoPolicies may come from, in the same form [default: any but this machine, its link and its cloud's services]",
      })
      .option("namespaced-bundle-hosts", {
        type: "string",
        array: true,
        describe:
          "Hosts that bundles of RegoPolicyNamespaceds may come from, as name, name:port or *.domain [default: none]",
      })
      .option("log-level", {
        choices: ["trace", "debug", "info", "warn", "error"] as const,
        default: "info" as const,
      }),
  async run(args, io) {
    const { namespace, kubeconfig, healthPort, webhookPort, disableGuardRail, logLevel } = args;
    const { parseInterval, parseWaves } = await import("@guardbee/policy");
    const waves = parseWaves(args.rolloutWaves);
    if (typeof waves === "string") throw new UsageError(`--rollout-waves: ${waves}`);
    const intervalMs = parseInterval(args.rolloutInterval);
    if (typeof intervalMs === "string") throw new UsageError(`--rollout-interval: ${intervalMs}`);
    const { bundleHosts, namespacedBundleHosts } = args;
    const clients = await clientsOf(args);
    const { runOperator } = await import("@guardbee/operator");
    const options = {
      log: pino({ level: logLevel }, io.stdout),
      ...(namespace === undefined ? {} : { namespace }),
      ...(kubeconfig === undefined ? {} : { kubeconfig }),
      disabledGuardRails: disableGuardRail ?? [],
      rollout: { waves, intervalMs },
      ...(bundleHosts === undefined ? {} : { bundleHosts }),
      namespacedBundleHosts: namespacedBundleHosts ?? [],
      ...(healthPort === undefined ? {} : { healthPort }),
      ...(webhookPort === undefined ? {} : { webhook: { port: webhookPort, ...clients } }),
    };
    try {
      await runOperator(options, io.signal);
    } catch (error) {
      if (!(error instanceof KubeconfigError)) throw error;
      io.stderr.write(`guardbee: ${error.message}; check --kubeconfig\n`);
      return exit.unreachable;
    }
    return exit.ok;
  },
};

async function clientsOf({
  webhookClientCa: file,
  webhookClientName: names = [],
}: OperatorArgs): Promise<{ readonly clients?: TrustedClients }> {
  if (file === undefined) return {};
  let ca: string;
  try {
    ca = await readFile(file, "utf8");
    new X509Certificate(ca);
  } catch (error) {
    throw new UsageError(`--webhook-client-ca: ${file}: ${(error as Error).message}`);
  }
  return { clients: { ca, names } };
}
