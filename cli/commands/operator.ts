import { pino } from "pino";
import { type Command, exit } from "../command.ts";

export type OperatorArgs = {
  readonly namespace: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly healthPort: number | undefined;
  readonly webhookPort: number | undefined;
  readonly disableGuardRail: readonly string[] | undefined;
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
      .option("health-port", { type: "number", describe: "Serve /healthz and /readyz here" })
      .option("webhook-port", {
        type: "number",
        describe: "Serve the validating webhook here, over TLS",
      })
      .option("disable-guard-rail", {
        type: "string",
        array: true,
        choices: ["cluster-wide", "host-protection", "namespace-rights", "system-namespaces"],
        describe:
          "Switch off a built-in guard rail; without a restart: ConfigMap guardbee-guard-rails",
      })
      .option("log-level", {
        choices: ["trace", "debug", "info", "warn", "error"] as const,
        default: "info" as const,
      }),
  async run(args, io) {
    const { namespace, kubeconfig, healthPort, webhookPort, disableGuardRail, logLevel } = args;
    const { runOperator } = await import("@guardbee/operator");
    const options = {
      log: pino({ level: logLevel }, io.stdout),
      ...(namespace === undefined ? {} : { namespace }),
      ...(kubeconfig === undefined ? {} : { kubeconfig }),
      disabledGuardRails: disableGuardRail ?? [],
      ...(healthPort === undefined ? {} : { healthPort }),
      ...(webhookPort === undefined ? {} : { webhook: { port: webhookPort } }),
    };
    await runOperator(options, io.signal);
    return exit.ok;
  },
};
