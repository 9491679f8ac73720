import { type CheckReport, checkPolicies, formatCheckReport, isAccepted } from "@guardbee/policy";
import { type Command, exit } from "../command.ts";
import { readPolicies } from "../read-policies.ts";

export type PolicyCheckArgs = {
  readonly paths: readonly string[];
  readonly output: "text" | "json";
  readonly strict: boolean;
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
    yargs
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
        describe: "Also fail on what is not supported yet, and on warnings",
      }),
  async run({ paths, output, strict }, io) {
    const files = await readPolicies(paths, io);
    const report = checkPolicies(files);
    io.stdout.write(
      output === "json" ? `${JSON.stringify(report, null, 2)}\n` : formatCheckReport(report),
    );
    io.stderr.write(`${summarise(report)}\n`);
    return isAccepted(report, { strict }) ? exit.ok : exit.rejected;
  },
};

function summarise({ policies, broken }: CheckReport): string {
  if (policies.length + broken.length === 0) return "no policies found";
  const of = (verdict: string) => policies.filter((policy) => policy.verdict === verdict).length;
  const counts = `${of("ok")} ok, ${of("unsupported")} not supported yet, ${of("invalid")} invalid`;
  return broken.length === 0 ? counts : `${counts}, ${broken.length} not YAML`;
}
