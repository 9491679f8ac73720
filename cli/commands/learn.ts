import {
  apiVersion,
  collectionPath,
  getObject,
  isKubeError,
  KubeError,
  type Resource,
  resources,
} from "@guardbee/kube";
import { type LabelSelectorSpec, resourceOf } from "@guardbee/policy";
import { oneLine } from "@guardbee/policy/printable";
import {
  type Cluster,
  Rejection,
  type ReportArgs,
  reportOptions,
  withCluster,
} from "../cluster/connection.ts";
import { assertInstalled } from "../cluster/find-policy.ts";
import { titleOf } from "../cluster/find-proposal.ts";
import { printReport } from "../cluster/output.ts";
import { type Command, exit, UsageError } from "../command.ts";

export type LearnArgs = ReportArgs & {
  readonly workload: string;
  readonly name: string | undefined;
  readonly minDuration: string | undefined;
  readonly minRestarts: number | undefined;
  readonly dryRun: boolean;
};

const workloads: readonly (Resource & { readonly short: string })[] = [
  { ...resources.deployment, short: "deploy" },
  { ...resources.statefulSet, short: "sts" },
  { ...resources.daemonSet, short: "ds" },
  { ...resources.replicaSet, short: "rs" },
];

export const learn: Command<LearnArgs> = {
  name: "learn",
  positionals: "<workload>",
  summary: "Begin to learn what a workload runs: an allow-list for it in monitor mode, empty yet",
  examples: ["learn deployment/web -n shop", "learn sts/db -n shop --min-restarts 2 -o yaml"],
  options: (yargs) =>
    reportOptions(yargs)
      .positional("workload", {
        type: "string",
        describe: "KIND/NAME; a Deployment, StatefulSet, DaemonSet or ReplicaSet",
      })
      .option("name", { type: "string", describe: "Of the policy [default: the workload's]" })
      .option("min-duration", {
        type: "string",
        describe: "How long it is to learn to be covered: 30m, 24h [default: 24h]",
      })
      .option("min-restarts", {
        type: "number",
        describe: "How often its containers are to have started again by then [default: 0]",
      })
      .option("dry-run", {
        type: "boolean",
        default: false,
        describe: "Ask the API server, and change nothing",
      }),
  run: (args, io) =>
    withCluster(args, io, async (cluster) => {
      const policy = await policyFor(args, cluster);
      if (args.output !== undefined) {
        printReport(policy, args.output, io, () => "");
        return exit.ok;
      }
      await create(policy, args.dryRun, cluster);
      const title = titleOf({ kind: policy.kind, ...policy.metadata });
      const then = `see guardbee proposals show ${policy.metadata.name} -n ${policy.metadata.namespace}`;
      const begins = args.dryRun ? "would learn" : "learns";
      io.stdout.write(
        `${title}: ${begins} what ${args.workload} runs, and stops nothing; ${then}\n`,
      );
      return exit.ok;
    }),
};

const kind = resourceOf("ExecPolicyNamespaced");

async function policyFor(args: LearnArgs, cluster: Cluster) {
  const { connection, signal } = cluster;
  const { resource, name } = parseWorkload(args.workload);
  const namespace = args.namespace ?? connection.namespace;
  const found = await getObject(connection, resource, { name, namespace }, signal);
  if (found === undefined) {
    const what = `there is no ${resource.kind} ${name} in namespace ${namespace}`;
    throw new Rejection(`${args.workload}: ${what}; kubectl get ${resource.plural} -A lists them`);
  }
  const { selector } = found.spec as { readonly selector: LabelSelectorSpec };
  const { minDuration, minRestarts } = args;
  return {
    ...{ apiVersion: apiVersion(kind), kind: kind.kind },
    metadata: { name: args.name ?? name, namespace },
    spec: {
      podSelector: selector,
      mode: "monitor",
      learn: {
        ...(minDuration === undefined ? {} : { minDuration }),
        ...(minRestarts === undefined ? {} : { minRestarts }),
      },
      rules: { allow: [] },
    },
  };
}

function parseWorkload(text: string): { readonly resource: Resource; readonly name: string } {
  const [word = "", name = "", ...more] = text.split("/");
  const resource = workloads.find(({ kind: of, plural, short }) =>
    [of.toLowerCase(), plural, short].includes(word.toLowerCase()),
  );
  if (resource === undefined || name === "" || more.length > 0) {
    const known = workloads.map(({ kind: of }) => of).join(", ");
    throw new UsageError(`${text}: is no workload; write KIND/NAME, of ${known}`);
  }
  return { resource, name };
}

async function create(
  policy: Awaited<ReturnType<typeof policyFor>>,
  dryRun: boolean,
  cluster: Cluster,
): Promise<void> {
  const { connection, signal } = cluster;
  const title = titleOf({ kind: policy.kind, ...policy.metadata });
  try {
    const path = collectionPath(kind, policy.metadata.namespace);
    const query = { fieldManager: "guardbee-cli", ...(dryRun ? { dryRun: "All" } : {}) };
    await connection.request({ method: "POST", path, query, body: policy }, signal);
  } catch (error) {
    if (isKubeError(error, 409)) {
      const fix = `guardbee proposals show ${policy.metadata.name}, or give another --name`;
      throw new Rejection(`${title}: is there already; ${fix}`);
    }
    if (isKubeError(error, 404)) await assertInstalled(cluster);
    if (!(error instanceof KubeError) || ![400, 422].includes(error.status)) throw error;
    throw new Rejection(`${title}: ${oneLine(error.message)}; write the policy with -o yaml`);
  }
}
