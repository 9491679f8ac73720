import { setTimeout as sleep } from "node:timers/promises";
import { parseInterval } from "@guardbee/policy";
import {
  type Cluster,
  type ClusterArgs,
  clusterOptions,
  ownNamespaceOption,
  Rejection,
  withCluster,
} from "../cluster/connection.ts";
import { assertInstalled } from "../cluster/find-policy.ts";
import {
  deleteGenerated,
  emptyNodes,
  nodesLeft,
  runningOperators,
  stopOperator,
} from "../cluster/remove.ts";
import { type Command, exit, type Io, UsageError } from "../command.ts";

export type UninstallArgs = ClusterArgs & {
  readonly guardbeeNamespace: string;
  readonly timeout: string;
};

const everyMs = 1_000;
const byHand = "rm -r /sys/fs/bpf/guardbee /var/lib/guardbee /var/run/guardbee";

export const uninstall: Command<UninstallArgs> = {
  name: "uninstall",
  positionals: "",
  summary: "Take Guardbee out of every node's kernel; afterwards delete what it was installed with",
  examples: ["uninstall", "uninstall --timeout 10m"],
  options: (yargs) =>
    ownNamespaceOption(clusterOptions(yargs)).option("timeout", {
      type: "string",
      default: "5m",
      describe: "How long to wait for operator and nodes",
    }),
  run: (args, io) =>
    withCluster(args, io, async (cluster) => {
      const { guardbeeNamespace: namespace } = args;
      const timeoutMs = parseInterval(args.timeout);
      if (typeof timeoutMs === "string") throw new UsageError(`--timeout: ${timeoutMs}`);
      const endsAt = performance.now() + timeoutMs;
      await assertInstalled(cluster);
      await stopOperator(namespace, cluster);
      await until(endsAt, cluster, "the operator has not ended", async () => {
        const pods = await runningOperators(namespace, cluster);
        return pods === 0 ? "" : `${pods} of its pods are there`;
      });
      say(io, "the operator has ended; policies are not changed");
      await emptyNodes(cluster);
      await waitForNodes(endsAt, cluster, io);
      await deleteGenerated(namespace, cluster);
      say(io, "no node enforces anything; agents leave nothing behind when they end");
      return exit.ok;
    }),
};

async function waitForNodes(endsAt: number, cluster: Cluster, io: Io): Promise<void> {
  let told = -1;
  let unreachable: readonly string[] = [];
  await until(endsAt, cluster, "nodes still enforce policies, or do not say", async () => {
    const left = await nodesLeft(cluster);
    unreachable = left.unreachable;
    const { length } = left.waitingFor;
    if (length !== told && length > 0) say(io, `waiting for ${length} nodes`);
    told = length;
    return named(left.waitingFor);
  });
  if (unreachable.length === 0) return;
  say(io, `not Ready, and left as they are: ${named(unreachable)}; there, run: ${byHand}`);
}

/** Waits until `left` is empty; says what is left when there is no more time. */
async function until(
  endsAt: number,
  { signal }: Cluster,
  what: string,
  left: () => Promise<string>,
): Promise<void> {
  for (;;) {
    const still = await left();
    if (still === "") return;
    if (performance.now() > endsAt) {
      throw new Rejection(`${what}: ${still}; give it more --timeout, or see the agents' logs`);
    }
    await sleep(everyMs, undefined, { signal });
  }
}

function named(nodes: readonly string[]): string {
  const more = nodes.length > 10 ? ` and ${nodes.length - 10} more` : "";
  return `${nodes.slice(0, 10).join(", ")}${more}`;
}

function say(io: Io, text: string): void {
  io.stdout.write(`${text}\n`);
}
