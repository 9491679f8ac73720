import { type Command, type ExitCode, exit } from "../command.ts";

/** The operator's options; `runOperator` of `@guardbee/operator` takes them as they are. */
export type OperatorArgs = {
  readonly namespace: string | undefined;
  readonly kubeconfig: string | undefined;
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
        describe: "Where the leader's Lease is [default: POD_NAMESPACE, else guardbee-system]",
      })
      .option("kubeconfig", {
        type: "string",
        describe: "How to reach the cluster [default: the one that this runs in]",
      })
      .option("log-level", {
        choices: ["trace", "debug", "info", "warn", "error"] as const,
        default: "info" as const,
      }),
  async run(args, io) {
    const { runOperator }: RunnableOperator = await import("@guardbee/operator");
    if (runOperator !== undefined) return runOperator(args, io.signal);
    io.stderr.write("guardbee operator: this build has no operator\n");
    return exit.rejected;
  },
};

type RunnableOperator = {
  readonly runOperator?: (args: OperatorArgs, signal: AbortSignal) => Promise<ExitCode>;
};
