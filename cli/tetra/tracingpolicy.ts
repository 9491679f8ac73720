import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import {
  FineGuidanceSensors,
  ListTracingPoliciesResponseSchema,
  messageJson,
  TracingPolicyMode,
} from "@guardbee/agent/grpc-client";
import { parseDocument } from "yaml";
import { type Io, standardInput, UsageError } from "../command.ts";
import { anOutput, aText, tetraCommand } from "./command.ts";
import { askAgent } from "./connection.ts";
import { formatPolicies } from "./format-policies.ts";

const methods = FineGuidanceSensors.method;

const domain = aText("The domain that it is in, such as grpc, k8s or static");
const namespace = { ...aText("The namespace that it is in"), alias: "n" };
const mode = {
  ...{ alias: "m", choices: ["enforce", "monitor"] as const },
  describe: "In place of the mode that the policy says",
};

type Mode = "enforce" | "monitor";
type At = { readonly name: string; readonly namespace: string; readonly domain: string };

export const add = tetraCommand<{ file: string; mode?: Mode; domain: string }>({
  ...{ name: "tracingpolicy add", positionals: "<file>", example: "tracingpolicy add policy.yaml" },
  summary: "Add the policy in a file to this node",
  completes: "file",
  options: (yargs) =>
    yargs.positional("file", { type: "string" }).option("mode", mode).option("domain", domain),
  async run(args, io) {
    const text = readFile(args.file, io);
    const yaml = args.mode === undefined ? text : inMode(text, args.mode);
    await askAgent(args, io, (client, options) =>
      client.call(methods.addTracingPolicy, { yaml, domain: args.domain }, options),
    );
    io.stdout.write(`tracing policy "${args.file}" added\n`);
  },
});

export const remove = tetraCommand<At>({
  ...{ name: "tracingpolicy delete", positionals: "<name>", example: "tracingpolicy delete p" },
  summary: "Delete a policy that was added",
  options: (yargs) => yargs.positional("name", { type: "string" }).options({ namespace, domain }),
  async run(args, io) {
    await askAgent(args, io, (client, options) =>
      client.call(methods.deleteTracingPolicy, atOf(args), options),
    );
    io.stdout.write(`tracing policy "${args.name}" deleted\n`);
  },
});

const toggle = (word: "enable" | "disable") =>
  tetraCommand<At>({
    ...{ name: `tracingpolicy ${word}`, positionals: "<name>" },
    example: `tracingpolicy ${word} p`,
    summary: word === "enable" ? "Have a policy hold again" : "Have a policy not hold",
    options: (yargs) => yargs.positional("name", { type: "string" }).options({ namespace, domain }),
    async run(args, io) {
      const request = { ...atOf(args), enable: word === "enable" };
      await askAgent(args, io, (client, options) =>
        client.call(methods.configureTracingPolicy, request, options),
      );
      io.stdout.write(`tracing policy "${args.name}" ${word}d\n`);
    },
  });
export const enable = toggle("enable");
export const disable = toggle("disable");

export const setMode = tetraCommand<At & { readonly mode: string }>({
  ...{ name: "tracingpolicy set-mode", positionals: "<name> <mode>" },
  example: "tracingpolicy set-mode p monitor",
  summary: "Put a policy in mode enforce or monitor",
  options: (yargs) =>
    yargs
      .positional("name", { type: "string" })
      .positional("mode", { type: "string" })
      .options({ namespace, domain }),
  async run(args, io) {
    if (args.mode !== "enforce" && args.mode !== "monitor") {
      throw new UsageError(`${args.mode} is no mode; use enforce or monitor`);
    }
    const wanted =
      args.mode === "enforce"
        ? TracingPolicyMode.TP_MODE_ENFORCE
        : TracingPolicyMode.TP_MODE_MONITOR;
    await askAgent(args, io, (client, options) =>
      client.call(methods.configureTracingPolicy, { ...atOf(args), mode: wanted }, options),
    );
    io.stdout.write(`tracing policy "${args.name}" set to mode "${args.mode}"\n`);
  },
});

export const modify = tetraCommand<{ readonly file: string; readonly mode?: Mode }>({
  ...{ name: "tracingpolicy modify", positionals: "<file>" },
  example: "tracingpolicy modify policy.yaml -m monitor",
  summary: "Print a policy in another mode",
  completes: "file",
  options: (yargs) => yargs.positional("file", { type: "string" }).option("mode", mode),
  async run(args, io) {
    const text = readFile(args.file, io);
    io.stdout.write(args.mode === undefined ? String(parse(text)) : inMode(text, args.mode));
  },
});

export const list = tetraCommand<{ readonly output: "text" | "json"; readonly domain: string }>({
  ...{ name: "tracingpolicy list", positionals: "", example: "tracingpolicy list -o json" },
  summary: "List the policies of this node",
  options: (yargs) =>
    yargs.option("output", anOutput).option("domain", aText("Only those of this domain")),
  async run(args, io) {
    const answer = await askAgent(args, io, (client, options) =>
      client.call(methods.listTracingPolicies, { domain: args.domain }, options),
    );
    io.stdout.write(
      args.output === "json"
        ? `${messageJson(ListTracingPoliciesResponseSchema, answer)}\n`
        : formatPolicies(answer.policies),
    );
  },
});

export const domains = tetraCommand<{ readonly output: "text" | "json" }>({
  ...{ name: "tracingpolicy domains", positionals: "", example: "tracingpolicy domains" },
  summary: "List the domains of policies",
  options: (yargs) => yargs.option("output", anOutput),
  async run(args, io) {
    const answer = await askAgent(args, io, (client, options) =>
      client.call(methods.listDomains, {}, options),
    );
    const all = answer.domains.toSorted();
    io.stdout.write(
      args.output === "json" ? `${JSON.stringify({ domains: all })}\n` : `[${all.join(" ")}]\n`,
    );
  },
});

function atOf({ name, namespace, domain }: At): At {
  return { name, namespace, domain };
}

function readFile(file: string, io: Io): string {
  return readFileSync(file === standardInput ? 0 : resolve(io.cwd, file), "utf8");
}

function parse(text: string) {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw new UsageError(`the policy is no YAML: ${error.message}`);
  return document;
}

/** The policy with its option `policy-mode` set, which is added where it is missing. */
function inMode(text: string, mode: Mode): string {
  const document = parse(text);
  const found = document.getIn(["spec", "options"]);
  const options = (found === undefined ? [] : document.toJS().spec.options) as unknown;
  if (!Array.isArray(options)) throw new UsageError("spec.options is no list");
  const others = options.filter((one: { name?: unknown } | null) => one?.name !== "policy-mode");
  document.setIn(
    ["spec", "options"],
    document.createNode([...others, { name: "policy-mode", value: mode }]),
  );
  return String(document);
}
