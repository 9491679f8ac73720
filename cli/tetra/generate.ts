import { stringify } from "yaml";
import { UsageError } from "../command.ts";
import { aText, tetraCommand, texts } from "./command.ts";

type Args = {
  readonly kind: string;
  readonly matchBinary: readonly string[];
  readonly regex: string;
};

/** A policy to start from, by what it is about. */
const kinds: Readonly<Record<string, (args: Args) => { name: string; spec: object }>> = {
  empty: () => ({ name: "empty", spec: {} }),
  "all-syscalls-list": (args) => ({
    name: "syscalls",
    spec: {
      lists: [{ name: "syscalls", type: "generated_syscalls" }],
      kprobes: [{ call: "list:syscalls", ...selectorsOf(args) }],
    },
  }),
  "ftrace-list": (args) => ({
    name: "ftrace",
    spec: {
      lists: [{ name: "ftrace", type: "generated_ftrace", pattern: args.regex }],
      kprobes: [{ call: "list:ftrace", syscall: false, ...selectorsOf(args) }],
    },
  }),
};

export const generate = tetraCommand<Args>({
  ...{ name: "tracingpolicy generate", positionals: "<kind>" },
  example: "tracingpolicy generate all-syscalls-list",
  summary: `Print a policy to start from: ${Object.keys(kinds).join(", ")}`,
  options: (yargs) =>
    yargs
      .positional("kind", { type: "string" })
      .option("match-binary", { ...texts("Only of this executable"), alias: "m" })
      .option("regex", {
        ...aText("With ftrace-list: of functions that this matches"),
        alias: "r",
      }),
  async run(args, io) {
    const made = kinds[args.kind]?.(args);
    if (made === undefined) {
      throw new UsageError(
        `${args.kind} cannot be generated; use ${Object.keys(kinds).join(", ")}`,
      );
    }
    const type = { apiVersion: "cilium.io/v1alpha1", kind: "TracingPolicy" };
    io.stdout.write(stringify({ ...type, metadata: { name: made.name }, spec: made.spec }));
  },
});

function selectorsOf({ matchBinary }: Args): object {
  if (matchBinary.length === 0) return {};
  return { selectors: [{ matchBinaries: [{ operator: "In", values: matchBinary }] }] };
}
