import { getObject, isKubeError, listObjects, type Resource, resources } from "@guardbee/kube";
import { type PodFacts, reportPod } from "@guardbee/operator/report";
import { parsePod, resourceOf } from "@guardbee/policy";
import {
  type Cluster,
  ownNamespaceOption,
  Rejection,
  type ReportArgs,
  reportOptions,
  withCluster,
} from "../cluster/connection.ts";
import { notInstalled } from "../cluster/find-policy.ts";
import { formatPodReport } from "../cluster/format-pod.ts";
import { isAgentPod } from "../cluster/is-agent-pod.ts";
import { printReport } from "../cluster/output.ts";
import { type Command, exit } from "../command.ts";

export type ExplainArgs = ReportArgs & {
  readonly pod: string;
  readonly all: boolean;
  readonly guardbeeNamespace: string;
};

export const explain: Command<ExplainArgs> = {
  name: "explain",
  positionals: "<pod>",
  completes: "pod",
  summary: "Show which policies hold for a pod, what selects it, and in which mode",
  examples: ["explain xwing", "explain xwing -n default --all"],
  options: (yargs) =>
    ownNamespaceOption(reportOptions(yargs))
      .positional("pod", { type: "string", demandOption: true, describe: "Its name" })
      .option("all", {
        type: "boolean",
        default: false,
        describe: "Also the policies that do not hold for it, and why",
      }),
  run: (args, io) =>
    withCluster(args, io, async (cluster) => {
      const facts = await readPod(args, cluster);
      const report = reportPod(facts, { others: args.all });
      printReport(report, args.output, io, (columns) => formatPodReport(report, columns));
      return exit.ok;
    }),
};

async function readPod(
  { pod: name, namespace, guardbeeNamespace }: ExplainArgs,
  { connection, signal }: Cluster,
): Promise<PodFacts> {
  const within = namespace ?? connection.namespace;
  const raw = await getObject(connection, resources.pod, { name, namespace: within }, signal);
  const pod = raw && parsePod(raw);
  if (pod === undefined || raw === undefined) {
    const fix = "check the name, or give its namespace with -n";
    throw new Rejection(`${name}: there is no such pod in namespace ${within}; ${fix}`);
  }
  const node = (raw.spec as { readonly nodeName?: string } | undefined)?.nodeName;
  const ofNode = (resource: Resource) =>
    node === undefined ? undefined : getObject(connection, resource, { name: node }, signal);
  try {
    const [nodeObject, nodePolicySet, selectorSets] = await Promise.all([
      ofNode(resources.node),
      ofNode(resourceOf("NodePolicySet")),
      listObjects(connection, resourceOf("SelectorSet"), undefined, signal),
    ]);
    const isAgent = isAgentPod(raw, guardbeeNamespace);
    return { pod, node, nodeObject, nodePolicySet, selectorSets, isAgent };
  } catch (error) {
    if (isKubeError(error, 404)) throw notInstalled(connection.server);
    throw error;
  }
}
