import { apiVersion, KubeError, objectPath } from "@guardbee/kube";
import type { PolicyEntry } from "@guardbee/operator/view";
import {
  type ExecPolicySpec,
  type ExecProposal,
  isNamed,
  type ProposedExecutable,
} from "@guardbee/policy";
import { oneLine } from "@guardbee/policy/printable";
import { chosen, withAccepted } from "../cluster/accept.ts";
import {
  type Cluster,
  Rejection,
  type ReportArgs,
  reportOptions,
  withCluster,
} from "../cluster/connection.ts";
import { findProposal, listProposals, titleOf } from "../cluster/find-proposal.ts";
import { formatProposal, formatProposalList } from "../cluster/format-proposals.ts";
import { gitOpsOwner } from "../cluster/gitops-owner.ts";
import { printReport } from "../cluster/output.ts";
import { type Command, exit, type Io, UsageError } from "../command.ts";

export type ProposalsArgs = ReportArgs & {
  readonly action: "show" | "accept" | undefined;
  readonly policy: string | undefined;
  readonly only: readonly string[];
  readonly enforce: boolean;
  readonly force: boolean;
  readonly dryRun: boolean;
};

export const proposals: Command<ProposalsArgs> = {
  name: "proposals",
  positionals: "[action] [policy]",
  completes: "policy",
  completesFrom: 1,
  summary: "Show what ran and a policy's allow-list does not name, and accept it into the list",
  examples: ["proposals show web -n shop", "proposals accept web -n shop --only '/usr/bin/*'"],
  options: (yargs) =>
    reportOptions(yargs)
      .positional("action", {
        choices: ["show", "accept"] as const,
        describe: "Without one, all proposals are listed",
      })
      .positional("policy", {
        type: "string",
        describe: "NAME, or KIND/NAME where several kinds have one of that name",
      })
      .option("only", {
        type: "string",
        array: true,
        nargs: 1,
        default: [] as string[],
        describe: "With accept: a path or a pattern (* in a folder, ** across); may be repeated",
      })
      .option("enforce", {
        type: "boolean",
        default: false,
        describe: "With accept: from then on enforce, which asks that the policy is covered",
      })
      .option("force", {
        type: "boolean",
        default: false,
        describe: "With --enforce: though it is not covered",
      })
      .option("dry-run", {
        type: "boolean",
        default: false,
        describe: "With accept: ask the API server, and change nothing",
      }),
  run: (args, io) =>
    withCluster(args, io, async (cluster) => {
      const { action, policy } = args;
      if (action === undefined) {
        const found = await listProposals(args.namespace, cluster);
        printReport({ proposals: found }, args.output, io, (columns) =>
          formatProposalList(found, columns),
        );
        return exit.ok;
      }
      if (policy === undefined) {
        throw new UsageError(`proposals ${action}: names no policy; guardbee proposals lists them`);
      }
      if (action === "accept") return accept(policy, args, cluster, io);
      const { found } = await findProposal(policy, args.namespace, cluster);
      printReport(found, args.output, io, (columns) => formatProposal(found, columns));
      return exit.ok;
    }),
};

async function accept(name: string, args: ProposalsArgs, cluster: Cluster, io: Io) {
  const { policy, found } = await findProposal(name, args.namespace, cluster);
  const title = titleOf(found);
  const spec = policy.object.spec as ExecPolicySpec;
  // The operator writes the proposal anew a moment after the rules changed.
  const isOpen = (one: ProposedExecutable) => !isNamed(spec.rules, one);
  const { executables: asked, unmatched } = chosen(found.proposal, args.only);
  const executables = asked.filter(isOpen);
  if (unmatched.length > 0) {
    const fix = `guardbee proposals show ${name} lists what is proposed`;
    throw new Rejection(`${title}: nothing proposed is as --only ${unmatched.join(", ")}; ${fix}`);
  }
  if (args.enforce && !args.force) {
    const left = found.proposal.executables.filter(isOpen).length - executables.length;
    assertCovered(title, found.proposal, left);
  }
  const enforces = args.enforce && spec.mode === "monitor";
  if (executables.length === 0 && !enforces) {
    io.stdout.write(`${title}: nothing is proposed; it stays as it is\n`);
    return exit.ok;
  }
  const { allow = [] } = spec.rules;
  const rules = { ...spec.rules, allow: withAccepted(allow, executables) };
  const changed = { ...spec, ...(enforces ? { mode: "enforce" as const } : {}), rules };
  if (args.output !== undefined) {
    printReport(toCommit(policy, changed), args.output, io, () => "");
    return exit.ok;
  }
  const owner = gitOpsOwner(policy.object.metadata);
  if (owner !== undefined) {
    const what = `${title}: ${owner} writes this policy, and may undo what is accepted here`;
    io.stderr.write(`guardbee: ${what}; commit what -o yaml prints instead\n`);
  }
  await patch(policy, title, { spec: changed, dryRun: args.dryRun }, cluster);
  const would = args.dryRun ? "would allow" : "allows";
  const listed = executables.map(({ path }) => `  ${path}\n`).join("");
  const mode = enforces ? `${args.dryRun ? " and would enforce" : " and enforces"}` : "";
  io.stdout.write(`${title}: ${would} ${executables.length} more${mode}\n${listed}`);
  return exit.ok;
}

/** What is not accepted and ran is stopped from then on. */
function assertCovered(title: string, proposal: ExecProposal, left: number): void {
  const condition = proposal.status?.conditions?.find(({ type }) => type === "Covered");
  const fix = "wait, or write --force";
  if (condition?.status !== "True") {
    const why = condition?.message ?? "the operator has not judged it yet";
    throw new Rejection(`${title}: is not covered: ${why}; ${fix}`);
  }
  if (left > 0) {
    const what = `${left} executables that ran would be stopped, as --only leaves them out`;
    throw new Rejection(
      `${title}: ${what}; accept them, deny them in the policy, or write --force`,
    );
  }
}

/** Fails when somebody has changed the policy since it was read. */
async function patch(
  { resource, object, resourceVersion }: PolicyEntry,
  title: string,
  { spec, dryRun }: { readonly spec: ExecPolicySpec; readonly dryRun: boolean },
  { connection, signal }: Cluster,
): Promise<void> {
  const { mode, rules } = spec;
  const body = {
    metadata: { resourceVersion },
    spec: { ...(mode === undefined ? {} : { mode }), rules: { allow: rules.allow } },
  };
  const request = {
    method: "PATCH",
    path: objectPath(resource, object.metadata),
    query: { fieldManager: "guardbee-cli", ...(dryRun ? { dryRun: "All" } : {}) },
    contentType: "application/merge-patch+json",
    body,
  } as const;
  try {
    await connection.request(request, signal);
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    if (error.status === 409) {
      throw new Rejection(`${title}: somebody has just changed it; run this again`);
    }
    if (error.status !== 400 && error.status !== 422) throw error;
    throw new Rejection(`${title}: ${oneLine(error.message)}; accept fewer with --only`);
  }
}

/** The policy as a person commits it: without what the API server adds. */
function toCommit({ resource, object }: PolicyEntry, spec: ExecPolicySpec): object {
  const { name, namespace, labels, annotations = {} } = object.metadata;
  const { "kubectl.kubernetes.io/last-applied-configuration": _, ...own } = annotations;
  return {
    ...{ apiVersion: apiVersion(resource), kind: resource.kind },
    metadata: {
      ...{ name, ...(namespace === undefined ? {} : { namespace }) },
      ...(labels === undefined ? {} : { labels }),
      ...(Object.keys(own).length === 0 ? {} : { annotations: own }),
    },
    spec,
  };
}
