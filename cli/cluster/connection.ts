import { connect, type KubeConnection, KubeError } from "@guardbee/kube";
import { oneLine } from "@guardbee/policy/printable";
import type { Argv } from "yargs";
import { type ExitCode, exit, type Io, UsageError } from "../command.ts";
import type { OutputFormat } from "./output.ts";

/** What every command takes that asks a cluster. */
export type ClusterArgs = {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
};
export type ReportArgs = ClusterArgs & {
  readonly namespace: string | undefined;
  readonly output: OutputFormat | undefined;
};

/** The API server, as one command uses it. */
export type Cluster = {
  readonly connection: KubeConnection;
  readonly signal: AbortSignal;
};

export function clusterOptions(yargs: Argv): Argv {
  return yargs
    .option("kubeconfig", {
      type: "string",
      describe: "How to reach the cluster [default: from inside it, else KUBECONFIG]",
    })
    .option("context", {
      type: "string",
      describe: "Of the kubeconfig [default: its current one]",
    });
}

/** Of a command that prints a report; `namespaced`: about objects that live in a namespace. */
export function reportOptions(yargs: Argv, { namespaced = true } = {}): Argv {
  const options = clusterOptions(yargs).option("output", {
    alias: "o",
    choices: ["json", "yaml"] as const,
    describe: "For machines [default: a table]",
  });
  if (!namespaced) return options;
  return options.option("namespace", {
    alias: "n",
    type: "string",
    describe: "Of the object [default: the context's namespace]",
  });
}

/** For commands that must know Guardbee's own pods. */
export function ownNamespaceOption(yargs: Argv): Argv {
  return yargs.option("guardbee-namespace", {
    type: "string",
    default: "guardbee-system",
    describe: "Where operator and agents run",
  });
}

/** The cluster answered, and the answer is no: no such policy, an ambiguous name. */
export class Rejection extends Error {
  readonly code = "GUARDBEE_REJECTED";
}

/**
 * Runs `work` on a connection. What the cluster refuses ends with `rejected`, a cluster that cannot
 * be reached with 3, either with one line on standard error that says what to do.
 */
export async function withCluster(
  { kubeconfig, context }: ClusterArgs,
  io: Io,
  work: (cluster: Cluster) => Promise<ExitCode>,
  rejected: ExitCode = exit.rejected,
): Promise<ExitCode> {
  let connection: KubeConnection | undefined;
  const say = (message: string) => io.stderr.write(`guardbee: ${oneLine(message)}\n`);
  try {
    connection = await connect({ kubeconfig, context, userAgent: "guardbee-cli" });
    return await work({ connection, signal: io.signal });
  } catch (error) {
    if (error instanceof UsageError) throw error;
    io.signal.throwIfAborted();
    if (error instanceof Rejection) {
      say(error.message);
      return rejected;
    }
    if (error instanceof KubeError && [401, 403].includes(error.status)) {
      const who = error.status === 401 ? "log in to the cluster again" : "ask for that right";
      say(`${error.message}; ${who}, or choose another --context`);
      return rejected;
    }
    const message = error instanceof Error ? error.message : String(error);
    const where = connection === undefined ? "" : "; check --kubeconfig and --context";
    say(`${message}${where}`);
    return exit.unreachable;
  } finally {
    connection?.close();
  }
}
