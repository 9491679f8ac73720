import {
  type CheckReport,
  checkPolicies,
  formatCheckReport,
  isAccepted,
  type Judges,
} from "@guardbee/policy";
import { pino } from "pino";
import { ownNamespaceOption } from "../cluster/connection.ts";
import { type Command, exit, type Io } from "../command.ts";
import { readPolicies } from "../read-policies.ts";

export type PolicyCheckArgs = {
  readonly paths: readonly string[];
  readonly output: "text" | "json";
  readonly strict: boolean;
  readonly guardbeeNamespace: string;
  readonly disableGuardRail: readonly string[];
};

export const policyCheck: Command<PolicyCheckArgs> = {
  name: "policy check",
  positionals: "<paths..>",
  completes: "file",
  summary: "Check policy files without a cluster",
  examples: [
    "policy check config/examples/deny-tmp-forbidden-write.yaml",
    "policy check --strict --output json config/examples",
  ],
  options: (yargs) =>
    ownNamespaceOption(yargs)
      .positional("paths", {
        type: "string",
        array: true,
        demandOption: true,
        describe: "Files, folders (their .yaml, .yml and .json files), or - for standard input",
      })
      .option("output", {
        alias: "o",
        choices: ["text", "json"] as const,
        default: "text" as const,
      })
      .option("strict", {
        type: "boolean",
        default: false,
        describe:
          "Also fail on what is not supported yet, on warnings, and on objects that are not policies",
      })
      .option("disable-guard-rail", {
        type: "string",
        array: true,
        nargs: 1,
        default: [] as string[],
        describe: "A built-in guard rail that is switched off in the operator",
      })
      .epilogue("Ends with 0: all accepted, 1: not all, or nothing to check, 2: wrongly called."),
  async run({ paths, output, strict, ...how }, io) {
    const files = await readPolicies(paths, io);
    const { judges, close } = await openJudges(how, io);
    let report: CheckReport;
    try {
      report = await checkPolicies(files, judges);
    } finally {
      await close();
    }
    io.stdout.write(
      output === "json" ? `${JSON.stringify(report, null, 2)}\n` : formatCheckReport(report),
    );
    io.stderr.write(`${summarise(report)}\n`);
    return isAccepted(report, { strict }) ? exit.ok : exit.rejected;
  },
};

/** The operator's judgement, without a cluster: its guard rails, and its compiler where opa is found. */
async function openJudges(
  how: Pick<PolicyCheckArgs, "guardbeeNamespace" | "disableGuardRail">,
  io: Io,
): Promise<{ readonly judges: Judges; readonly close: () => Promise<void> }> {
  const { checkModules, compileRego, countShares, findOpa, OfflineJudge } = await import(
    "@guardbee/operator/offline" // large
  );
  const judge = await OfflineJudge.open({
    namespaces: [],
    ownNamespace: how.guardbeeNamespace,
    disabledGuardRails: how.disableGuardRail,
    log: pino({ level: "warn" }, io.stderr),
  });
  const opa = await findOpa(io.env).catch(() => undefined);
  const share = countShares();
  const judges: Judges = {
    policy: (policy) => judge.further(policy, io.signal),
    rego: async (policy) => {
      const over = share(policy);
      if (over.length > 0) return { problems: over, warnings: [] };
      if (policy.spec.modules === undefined) return { problems: [], warnings: [] };
      if (opa === undefined) return { problems: [], warnings: [notCompiled] };
      const problems = await checkModules(
        policy,
        (sources, { entryPoint, data }, signal) =>
          compileRego(sources, { entryPoints: [entryPoint], data, opa, signal }),
        io.signal,
      );
      return { problems, warnings: [] };
    },
  };
  return { judges, close: () => judge.close() };
}

const notCompiled = {
  field: "spec.modules",
  what: "are not compiled: there is no opa",
  fix: "put opa on the PATH, or name it with OPA=",
  kind: "invalid",
} as const;

function summarise({ policies, broken, skipped }: CheckReport): string {
  if (policies.length + broken.length + skipped.length === 0) return "no policies found";
  const of = (verdict: string) => policies.filter((policy) => policy.verdict === verdict).length;
  const counts = `${of("ok")} ok, ${of("unsupported")} not supported yet, ${of("invalid")} invalid`;
  return [
    counts,
    ...(broken.length === 0 ? [] : [`${broken.length} not readable`]),
    ...(skipped.length === 0 ? [] : [`${skipped.length} not checked`]),
  ].join(", ");
}
