import type { PolicyDiff } from "@guardbee/operator/report";
import { oneLine } from "@guardbee/policy/printable";
import { pino } from "pino";
import {
  ownNamespaceOption,
  type ReportArgs,
  reportOptions,
  withCluster,
} from "../cluster/connection.ts";
import { formatDiffs } from "../cluster/format-diffs.ts";
import { type Given, readGiven } from "../cluster/given-policies.ts";
import { printReport } from "../cluster/output.ts";
import { readPlacement } from "../cluster/placement.ts";
import { clusterGuards, diffGiven, namespacesOf, readNamespaces } from "../cluster/would-be.ts";
import { type Command, type ExitCode, exit } from "../command.ts";
import { readPolicies } from "../read-policies.ts";

export type DiffArgs = ReportArgs & {
  readonly paths: readonly string[];
  readonly guardbeeNamespace: string;
  readonly disableGuardRail: readonly string[];
};

export const diff: Command<DiffArgs> = {
  name: "diff",
  positionals: "<paths..>",
  completes: "file",
  summary: "Show what applying policies would change: selectors, and pods on nodes",
  examples: [
    "diff config/examples/deny-tmp-forbidden-write.yaml",
    "diff policies/ -n shop -o json > diff.json",
  ],
  options: (yargs) =>
    ownNamespaceOption(reportOptions(yargs))
      .positional("paths", {
        type: "string",
        array: true,
        demandOption: true,
        describe: "Files, folders (their .yaml, .yml and .json files), or - for standard input",
      })
      .option("disable-guard-rail", {
        type: "string",
        array: true,
        nargs: 1,
        default: [] as string[],
        describe: "A built-in guard rail that is switched off in the operator",
      })
      .epilogue(
        "Ends with 0: nothing would change, 1: something would, 2: refused, 3: no cluster.",
      ),
  run: (args, io) =>
    withCluster(
      args,
      io,
      async (cluster) => {
        const files = await readPolicies(args.paths, io);
        const namespace = args.namespace ?? cluster.connection.namespace;
        const { given, skipped } = readGiven(files, namespace);
        const say = (message: string) => io.stderr.write(`guardbee: ${oneLine(message)}\n`);
        for (const what of skipped) say(what);
        const { OfflineJudge } = await import("@guardbee/operator/offline"); // only here: it is large
        const judge = await OfflineJudge.open({
          namespaces: await readNamespaces(given, cluster),
          ownNamespace: args.guardbeeNamespace,
          disabledGuardRails: args.disableGuardRail,
          log: pino({ level: "warn" }, io.stderr),
        });
        try {
          const { guardbeeNamespace } = args;
          const placement = { guardbeeNamespace, namespaces: namespacesOf(given) };
          const read = () => readPlacement(placement, cluster);
          const diffs = await diffGiven(given, judge, read, cluster);
          const guards = await clusterGuards(cluster);
          if (guards.length > 0) say(notAsked(guards));
          printReport({ policies: diffs }, args.output, io, (columns) =>
            formatDiffs(diffs, columns),
          );
          return codeOf(diffs, given);
        } finally {
          await judge.close();
        }
      },
      exit.usage, // 1 says that something would change
    ),
};

function notAsked(guards: readonly string[]): string {
  const names = guards.join(", ");
  return `guard rails of this cluster are not asked here: ${names}; kubectl apply --dry-run=server asks them`;
}

function codeOf(diffs: readonly PolicyDiff[], given: readonly Given[]): ExitCode {
  if (given.length === 0 || diffs.some(({ verdict }) => verdict === "refused")) return exit.usage;
  return diffs.every(({ verdict }) => verdict === "unchanged") ? exit.ok : exit.rejected;
}
