import { isKubeError, listObjects, type Resource, resources } from "@guardbee/kube";
import { type NodeReport, reportNodes } from "@guardbee/operator/report";
import { resourceOf } from "@guardbee/policy";
import {
  type Cluster,
  Rejection,
  type ReportArgs,
  reportOptions,
  withCluster,
} from "../cluster/connection.ts";
import { notInstalled } from "../cluster/find-policy.ts";
import { formatNodeReports } from "../cluster/format-nodes.ts";
import { printReport } from "../cluster/output.ts";
import { type Command, exit } from "../command.ts";

export type NodesArgs = Omit<ReportArgs, "namespace"> & { readonly nodes: readonly string[] };

export const nodes: Command<NodesArgs> = {
  name: "nodes",
  positionals: "[nodes..]",
  completes: "node",
  summary: "Show what each node holds of its policies, and what its kernel can do",
  examples: ["nodes", "nodes worker-1 worker-2 -o json"],
  options: (yargs) =>
    reportOptions(yargs, { namespaced: false }).positional("nodes", {
      type: "string",
      array: true,
      default: [] as string[],
      describe: "Only these, with what they cannot hold and why",
    }),
  run: (args, io) =>
    withCluster(args, io, async (cluster) => {
      const all = await readNodes(cluster);
      const reports = chosen(all, args.nodes);
      const show = { nowMs: Date.now(), details: args.nodes.length > 0 };
      printReport({ nodes: reports }, args.output, io, (columns) =>
        formatNodeReports(reports, show, columns),
      );
      return exit.ok;
    }),
};

async function readNodes({ connection, signal }: Cluster): Promise<readonly NodeReport[]> {
  const list = (resource: Resource) => listObjects(connection, resource, undefined, signal);
  try {
    const [nodes, nodePolicySets, sets] = await Promise.all([
      list(resources.node),
      list(resourceOf("NodePolicySet")),
      list(resourceOf("SelectorSet")),
    ]);
    return reportNodes(nodes, nodePolicySets, sets);
  } catch (error) {
    if (isKubeError(error, 404)) throw notInstalled(connection.server);
    throw error;
  }
}

function chosen(all: readonly NodeReport[], names: readonly string[]): readonly NodeReport[] {
  if (names.length === 0) return all;
  const missing = names.filter((name) => !all.some((one) => one.name === name));
  if (missing.length > 0) {
    throw new Rejection(`${missing.join(", ")}: there is no such node; see guardbee nodes`);
  }
  return all.filter(({ name }) => names.includes(name));
}
