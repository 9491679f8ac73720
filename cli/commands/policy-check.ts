import { readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import {
  type CheckedFile,
  type CheckReport,
  checkPolicies,
  formatCheckReport,
  isAccepted,
} from "@guardbee/policy";
import { type Command, exit, type Io, UsageError } from "../command.ts";

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
    const files = (await Promise.all(paths.map((path) => readPolicies(path, io)))).flat();
    const report = checkPolicies(files);
    io.stdout.write(
      output === "json" ? `${JSON.stringify(report, null, 2)}\n` : formatCheckReport(report),
    );
    io.stderr.write(`${summarise(report)}\n`);
    return isAccepted(report, { strict }) ? exit.ok : exit.rejected;
  },
};

async function readPolicies(path: string, io: Io): Promise<CheckedFile[]> {
  if (path === "-") return [{ file: "-", text: await text(io.stdin) }];
  const absolute = resolve(io.cwd, path);
  try {
    if (!(await stat(absolute)).isDirectory()) {
      return [{ file: path, text: await readFile(absolute, "utf8") }];
    }
    const names = (await readdir(absolute)).filter((name) => /\.(ya?ml|json)$/.test(name)).sort();
    return await Promise.all(
      names.map(async (name) => ({
        file: join(path, name),
        text: await readFile(join(absolute, name), "utf8"),
      })),
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${path}: cannot be read: ${reason}`);
  }
}

function summarise({ policies, broken }: CheckReport): string {
  if (policies.length + broken.length === 0) return "no policies found";
  const of = (verdict: string) => policies.filter((policy) => policy.verdict === verdict).length;
  const counts = `${of("ok")} ok, ${of("unsupported")} not supported yet, ${of("invalid")} invalid`;
  return broken.length === 0 ? counts : `${counts}, ${broken.length} not YAML`;
}
