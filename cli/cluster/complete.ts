import { Writable } from "node:stream";
import {
  connect,
  type KubeConnection,
  listObjects,
  type Resource,
  resources,
  systemClock,
  withDeadline,
} from "@guardbee/kube";
import { policyResources } from "@guardbee/operator/view";
import { type Command, type Completes, type ExitCode, exit, type Io } from "../command.ts";
import { clusterCommands, loadCommands } from "../commands.ts";
import { Output } from "../output.ts";
import { kubectlGuardbee, runCli } from "../run-cli.ts";

/** Cobra's directives, which kubectl reads from the last line: may the shell offer files too? */
const directive = { files: ":0", noFiles: ":4" } as const;

/** Whoever pressed tab waits; a cluster that does not answer offers nothing. */
const deadlineMs = 3_000;

/**
 * Prints what may stand where the last word of `argv` is, one a line, then a directive of cobra
 * (spf13/cobra, completions.go): the protocol of kubectl's plugin completion.
 */
export async function completeForKubectl(argv: readonly string[], io: Io): Promise<ExitCode> {
  const words = argv.slice(0, -1);
  const current = argv.at(-1) ?? "";
  const commands = await loadCommands(clusterCommands, []);
  const what = asked(commands, words, current);
  const found = await candidates(what, words, current, io);
  const lines = found.filter((one) => one.startsWith(current));
  io.stdout.write([...lines, directive[what === "file" ? "files" : "noFiles"], ""].join("\n"));
  return exit.ok;
}

type Asked = Completes | "namespace" | "words";

/** What belongs where the cursor is. */
function asked(commands: readonly Command[], words: readonly string[], current: string): Asked {
  const before = words.at(-1) ?? "";
  if (["-n", "--namespace"].includes(before)) return "namespace";
  if (before === "--kubeconfig") return "file";
  if (before === "-o" || before === "--output" || current.startsWith("-")) return "words";
  const plain = positionals(words);
  const command = commands.find(({ name }) =>
    name.split(" ").every((word, i) => plain[i] === word),
  );
  if (command?.completes === undefined) return "words";
  const given = plain.length - command.name.split(" ").length;
  const takesMore = command.positionals.includes("..");
  const first = command.completesFrom ?? 0;
  if (given < first) return "words";
  return given === first || takesMore ? command.completes : "words";
}

/** Without options and their values. */
function positionals(words: readonly string[]): readonly string[] {
  const withValue = ["-n", "--namespace", "-o", "--output", "--context", "--kubeconfig"];
  return words.filter(
    (word, i) => !word.startsWith("-") && !withValue.includes(words[i - 1] ?? ""),
  );
}

async function candidates(
  what: Asked,
  words: readonly string[],
  current: string,
  io: Io,
): Promise<readonly string[]> {
  if (what === "file") return [];
  if (what === "words") return wordsAfter(words, current, io);
  try {
    return await withDeadline(
      systemClock,
      { ms: deadlineMs, error: () => new Error("too late") },
      io.signal,
      (signal) => namesInCluster(what, words, signal),
    );
  } catch {
    return []; // no cluster, no rights: the shell's prompt is no place to say so
  }
}

/** Commands, options and their choices, as yargs knows them. */
async function wordsAfter(
  words: readonly string[],
  current: string,
  io: Io,
): Promise<readonly string[]> {
  let printed = "";
  const stdout = new Writable({
    write(chunk, _encoding, done) {
      printed += String(chunk);
      done();
    },
  });
  // Half an option's name would be read as one of its aliases, and answered with its choices.
  const begun = /^-{0,2}/.exec(current)?.[0] ?? "";
  const argv = ["--get-yargs-completions", "guardbee", ...words, begun];
  await runCli(argv, { ...io, stdout: new Output(stdout) }, kubectlGuardbee);
  const lines = printed.split("\n").filter((line) => line !== "");
  return lines
    .map((line) => line.replace(/(?<!\\):.*$/, "").replaceAll("\\:", ":"))
    .filter((word) => !/^--.$/.test(word)); // "--o" for "-o"
}

async function namesInCluster(
  what: Exclude<Asked, "file" | "words">,
  words: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const optionValue = (...options: string[]) =>
    words.find((_, i) => options.includes(words[i - 1] ?? ""));
  const connection = await connect({
    kubeconfig: optionValue("--kubeconfig"),
    context: optionValue("--context"),
  });
  const namespace = optionValue("-n", "--namespace") ?? connection.namespace;
  const list = (resource: Resource) => names(connection, resource, namespace, signal);
  try {
    switch (what) {
      case "namespace":
        return await list(resources.namespace);
      case "node":
        return await list(resources.node);
      case "pod":
        return await list(resources.pod);
      case "policy":
        return [...new Set((await Promise.all(policyResources.map(list))).flat())].sort();
    }
  } finally {
    connection.close();
  }
}

async function names(
  connection: KubeConnection,
  resource: Resource,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const within = resource.namespaced ? namespace : undefined;
  const found = await listObjects(connection, resource, within, signal);
  return found.map(({ metadata }) => metadata.name);
}
