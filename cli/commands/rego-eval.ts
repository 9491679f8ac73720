import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { connect } from "@guardbee/kube";
import type { Difference, OfflineResult } from "@guardbee/operator/offline";
import { formatProblem, type Result, readObjects, type SelectorSet } from "@guardbee/policy";
import { oneLine } from "@guardbee/policy/printable";
import { pino } from "pino";
import { ownNamespaceOption } from "../cluster/connection.ts";
import { type Command, exit, type Io, UsageError } from "../command.ts";
import { readBundle } from "../rego/bundle.ts";
import { tellComparison } from "../rego/compare-eval.ts";
import { opaOf } from "../rego/opa.ts";
import { yamlText } from "../yaml-text.ts";

export type RegoEvalArgs = {
  readonly file: string;
  readonly inventory: string;
  readonly bundle: string | undefined;
  readonly diff: boolean;
  readonly inForce: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly output: "yaml" | "json" | "diff";
  readonly compare: boolean;
  readonly guardbeeNamespace: string;
};

export const regoEval: Command<RegoEvalArgs> = {
  name: "rego eval",
  positionals: "<file>",
  completes: "file",
  summary: "Print the policies that a RegoPolicy generates from an exported inventory",
  examples: [
    "rego eval config/examples/rego/edge-paths.yaml --inventory inventory.json",
    "rego eval edge.yaml --inventory inventory.json --diff --output diff",
  ],
  options: (yargs) =>
    ownNamespaceOption(yargs)
      .positional("file", { type: "string", demandOption: true, describe: "A RegoPolicy" })
      .option("inventory", {
        type: "string",
        demandOption: true,
        describe: "What `guardbee inventory export` printed",
      })
      .option("bundle", {
        type: "string",
        describe: "Its bundle, where spec.bundle says to fetch one: a tarball, or the folder of it",
      })
      .option("diff", {
        type: "boolean",
        default: false,
        describe: "Tell what differs from what is in force of this RegoPolicy in the cluster",
      })
      .option("in-force", {
        type: "string",
        describe: "The same, but compare with a file: `kubectl get selectorset NAME -o yaml`",
      })
      .option("compare", {
        type: "boolean",
        default: false,
        describe: "Evaluate it under the real opa eval too, and tell where the two part",
      })
      .option("kubeconfig", {
        type: "string",
        describe: "How to reach the cluster [default: from inside it, else KUBECONFIG]",
      })
      .option("output", {
        alias: "o",
        choices: ["yaml", "json", "diff"] as const,
        default: "yaml" as const,
        describe: "yaml: the policies. json: them and the difference. diff: the difference alone",
      }),
  async run(args, io) {
    const operator = await import("@guardbee/operator/offline");
    const { evaluateOffline, compareSets, formatDifference, EvaluationError } = operator;
    const { file, inventory, output } = args;
    const compares = args.diff || args.inForce !== undefined;
    if (output === "diff" && !compares) {
      throw new UsageError("--output diff: compares with nothing; add --diff or --in-force FILE");
    }
    const policy = await readYaml(file, io);
    const snapshot = (await readYaml(inventory, io)) as Parameters<typeof evaluateOffline>[1];
    const missing = ["namespaces", "nodes", "workloads"].find(
      (key) => !Array.isArray((snapshot as Record<string, unknown> | null)?.[key]),
    );
    if (missing !== undefined) throw new UsageError(`${inventory}: has no list ${missing}`);
    let inForce: Result<readonly SelectorSet[]> | undefined;
    try {
      inForce = compares ? await setsInForce(args, policy, io) : undefined;
    } catch (error) {
      if (error instanceof UsageError) throw error;
      io.signal.throwIfAborted();
      io.stderr.write(`${oneLine(error instanceof Error ? error.message : String(error))}\n`);
      return exit.unreachable;
    }
    if (inForce?.ok === false) return refused(args.inForce ?? file, inForce, io);
    const log = pino({ level: "warn" }, io.stderr);
    const bundle = args.bundle === undefined ? {} : { bundle: await readBundle(args.bundle, io) };
    const options = {
      ...{ opa: await opaOf(io), log, ownNamespace: args.guardbeeNamespace },
      ...{ inForce: inForce?.value ?? [], ...bundle },
    };
    const same = args.compare ? await tellComparison(policy, snapshot, options, io) : true;
    let result: Result<OfflineResult>;
    try {
      result = await evaluateOffline(policy, snapshot, options, io.signal);
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      io.stderr.write(`${file}: ${error.message}\n`);
      return exit.rejected;
    }
    if (!result.ok) return refused(file, result, io);
    const { policies, sets, notes, held } = result.value;
    const difference = inForce === undefined ? undefined : compareSets(inForce.value, sets);
    const told = difference === undefined ? "" : formatDifference(difference);
    if (output === "diff") io.stdout.write(told);
    else io.stdout.write(output === "json" ? json(result.value, difference) : yaml(policies));
    for (const { name, effect, message } of notes) {
      io.stderr.write(`${oneLine(`guard rail ${name} ${effect}: ${message}`)}\n`);
    }
    if (output === "yaml") io.stderr.write(told);
    io.stderr.write(`${policies.length} policies\n`);
    if (held !== undefined) {
      io.stderr.write(`${oneLine(file)}: would be held back: ${formatProblem(held)}\n`);
    }
    return held === undefined && same !== false ? exit.ok : exit.rejected;
  },
};

async function setsInForce(
  { inForce, kubeconfig }: RegoEvalArgs,
  policy: unknown,
  io: Io,
): Promise<Result<readonly SelectorSet[]>> {
  const { readInForce, setsIn } = await import("@guardbee/operator/offline");
  if (inForce !== undefined) return setsIn(await readYaml(inForce, io));
  const connection = await connect(kubeconfig === undefined ? {} : { kubeconfig });
  try {
    return await readInForce(connection, policy, io.signal);
  } finally {
    connection.close();
  }
}

function refused(file: string, { problems }: Extract<Result<never>, { ok: false }>, io: Io) {
  io.stderr.write(problems.map((one) => `${oneLine(file)}: ${formatProblem(one)}\n`).join(""));
  return exit.rejected;
}

function yaml(policies: OfflineResult["policies"]): string {
  return policies.map((one) => `---\n${yamlText(one)}`).join("");
}

function json(result: OfflineResult, difference: Difference | undefined): string {
  const { policies, notes, held } = result;
  const more = {
    ...(notes.length === 0 ? {} : { guardRails: notes }),
    ...(difference === undefined ? {} : { difference }),
    ...(held === undefined ? {} : { held: formatProblem(held) }),
  };
  return `${JSON.stringify({ policies, ...more }, null, 2)}\n`;
}

async function readYaml(path: string, io: Io): Promise<unknown> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(resolve(io.cwd, path));
  } catch (error) {
    throw new UsageError(`${path}: cannot be read: ${(error as Error).message}`);
  }
  const objects = readObjects(bytes, path);
  if (!objects.ok) throw new UsageError(objects.problems.map(formatProblem).join("\n"));
  if (objects.value.length === 1) return objects.value[0];
  throw new UsageError(`${path}: has ${objects.value.length} objects; give a file of one`);
}
