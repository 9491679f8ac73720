import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { formatProblem } from "@guardbee/policy";
import { pino } from "pino";
import { parse, stringify } from "yaml";
import { type Command, exit, type Io, UsageError } from "../command.ts";

export type RegoEvalArgs = { readonly file: string; readonly inventory: string };

export const regoEval: Command<RegoEvalArgs> = {
  name: "rego eval",
  positionals: "<file>",
  completes: "file",
  summary: "Print the policies that a RegoPolicy generates from an exported inventory",
  examples: [
    "rego eval config/examples/rego/edge-paths.yaml --inventory inventory.json",
    "rego eval edge.yaml --inventory inventory.json > policies.yaml",
  ],
  options: (yargs) =>
    yargs
      .positional("file", { type: "string", demandOption: true, describe: "A RegoPolicy" })
      .option("inventory", {
        type: "string",
        demandOption: true,
        describe: "What `guardbee inventory export` printed",
      }),
  async run({ file, inventory }, io) {
    const { evaluateOffline, findOpa } = await import("@guardbee/operator");
    const policy = await readYaml(file, io);
    const snapshot = (await readYaml(inventory, io)) as Parameters<typeof evaluateOffline>[1];
    const missing = ["namespaces", "nodes", "workloads"].find(
      (key) => !Array.isArray((snapshot as Record<string, unknown> | null)?.[key]),
    );
    if (missing !== undefined) throw new UsageError(`${inventory}: has no list ${missing}`);
    const log = pino({ level: "warn" }, io.stderr);
    const options = { opa: await findOpa(io.env), log };
    const result = await evaluateOffline(policy, snapshot, options, io.signal);
    if (!result.ok) {
      io.stderr.write(result.problems.map((one) => `${file}: ${formatProblem(one)}\n`).join(""));
      return exit.rejected;
    }
    io.stdout.write(result.value.map((one) => `---\n${stringify(one)}`).join(""));
    io.stderr.write(`${result.value.length} policies\n`);
    return exit.ok;
  },
};

async function readYaml(path: string, io: Io): Promise<unknown> {
  try {
    return parse(await readFile(resolve(io.cwd, path), "utf8"));
  } catch (error) {
    throw new UsageError(`${path}: cannot be read: ${(error as Error).message}`);
  }
}
