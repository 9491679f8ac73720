import { getObject, isKubeError, listObjects } from "@guardbee/kube";
import { type PolicyReport, reportPolicy } from "@guardbee/operator/report";
import { policyResources, projectPolicy, projectSet } from "@guardbee/operator/view";
import { resourceOf } from "@guardbee/policy";
import {
  type Cluster,
  type ReportArgs,
  reportOptions,
  withCluster,
} from "../cluster/connection.ts";
import { findPolicy, notInstalled } from "../cluster/find-policy.ts";
import { formatPolicyList, formatPolicyReport } from "../cluster/format-policies.ts";
import { printReport } from "../cluster/output.ts";
import { type Command, exit } from "../command.ts";

export type StatusArgs = ReportArgs & { readonly policy: string | undefined };

export const status: Command<StatusArgs> = {
  name: "status",
  positionals: "[policy]",
  completes: "policy",
  summary: "Show where a policy is in force and why not elsewhere; without a name, all policies",
  examples: [
    "status deny-tmp-forbidden-write",
    "status tracingpolicynamespaced/web -n shop -o yaml",
  ],
  options: (yargs) =>
    reportOptions(yargs).positional("policy", {
      type: "string",
      describe: "NAME, or KIND/NAME where several kinds have one of that name",
    }),
  run: (args, io) =>
    withCluster(args, io, async (cluster) => {
      if (args.policy === undefined) {
        const policies = await listPolicies(args.namespace, cluster);
        printReport({ policies }, args.output, io, (columns) =>
          formatPolicyList(policies, columns),
        );
        return exit.ok;
      }
      const policy = await findPolicy(args.policy, args.namespace, cluster);
      const { connection, signal } = cluster;
      const ref = { name: policy.setName };
      const set = await getObject(connection, resourceOf("SelectorSet"), ref, signal);
      const report = reportPolicy(policy, set && projectSet(set));
      printReport(report, args.output, io, (columns) => formatPolicyReport(report, columns));
      return exit.ok;
    }),
};

/** Those of cluster kinds, and those of all namespaces or of one. */
async function listPolicies(
  namespace: string | undefined,
  { connection, signal }: Cluster,
): Promise<readonly PolicyReport[]> {
  const lists = policyResources.map(async (resource) => {
    const within = resource.namespaced ? namespace : undefined;
    try {
      const found = await listObjects(connection, resource, within, signal);
      return found.map((raw) => reportPolicy(projectPolicy(resource, raw), undefined));
    } catch (error) {
      if (isKubeError(error, 404)) throw notInstalled(connection.server);
      throw error;
    }
  });
  return (await Promise.all(lists)).flat();
}
