import { getObject, objectPath } from "@guardbee/kube";
import { policyTitle } from "@guardbee/operator/report";
import { type PolicyEntry, projectSet } from "@guardbee/operator/view";
import { oneLine, type RolloutOrder, resourceOf, rolloutAnnotations } from "@guardbee/policy";
import {
  type Cluster,
  type ClusterArgs,
  clusterOptions,
  Rejection,
  withCluster,
} from "../cluster/connection.ts";
import { findPolicy } from "../cluster/find-policy.ts";
import { type Command, exit } from "../command.ts";

export type RolloutArgs = ClusterArgs & {
  readonly action: "pause" | "resume" | "undo";
  readonly policy: string;
  readonly namespace: string | undefined;
  readonly force: boolean;
};

export const rollout: Command<RolloutArgs> = {
  name: "rollout",
  positionals: "<action> <policy>",
  completes: "policy",
  completesFrom: 1,
  summary: "Pause the roll-out of a policy's change, let it go on, or take it back everywhere",
  examples: [
    "rollout undo deny-tmp-forbidden-write",
    "rollout resume tracingpolicynamespaced/web -n shop --force",
  ],
  options: (yargs) =>
    clusterOptions(yargs)
      .positional("action", { choices: ["pause", "resume", "undo"] as const })
      .positional("policy", {
        type: "string",
        describe: "NAME, or KIND/NAME where several kinds have one of that name",
      })
      .option("namespace", {
        alias: "n",
        type: "string",
        describe: "Of the policy [default: the context's namespace]",
      })
      .option("force", {
        type: "boolean",
        default: false,
        describe: "With resume: go on also where nodes fail or it stops too much",
      }),
  run: (args, io) =>
    withCluster(args, io, async (cluster) => {
      const policy = await findPolicy(args.policy, args.namespace, cluster);
      const title = policyTitle({ ...policy.object, kind: policy.resource.kind });
      await assertUnderWay(policy, title, cluster);
      await annotate(policy, orderOf(args), cluster);
      io.stdout.write(`${title}: ${said(args)}; see guardbee status ${oneLine(args.policy)}\n`);
      return exit.ok;
    }),
};

function orderOf({ action, force }: RolloutArgs): RolloutOrder | null {
  if (action !== "resume") return action;
  return force ? "force" : null;
}

function said({ action, force }: RolloutArgs): string {
  if (action === "pause") return "no further wave begins";
  if (action === "undo") return "every node goes back to the version before";
  return force ? "goes on, whatever nodes say" : "goes on";
}

/** After the last wave there is nothing to go back to. */
async function assertUnderWay(
  policy: PolicyEntry,
  title: string,
  { connection, signal }: Cluster,
): Promise<void> {
  const ref = { name: policy.setName };
  const set = await getObject(connection, resourceOf("SelectorSet"), ref, signal);
  if (set !== undefined && projectSet(set).rollout !== undefined) return;
  const fix = "to go back, apply the earlier version";
  throw new Rejection(`${title}: no roll-out in waves is under way; ${fix}`);
}

/** null removes the annotation (RFC 7396). */
async function annotate(
  { resource, object }: PolicyEntry,
  order: RolloutOrder | null,
  { connection, signal }: Cluster,
): Promise<void> {
  await connection.request(
    {
      method: "PATCH",
      path: objectPath(resource, object.metadata),
      query: { fieldManager: "guardbee-cli" },
      contentType: "application/merge-patch+json",
      body: { metadata: { annotations: { [rolloutAnnotations.order]: order } } },
    },
    signal,
  );
}
