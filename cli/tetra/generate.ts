import { resolve } from "node:path";
import { askSystemCalls } from "@guardbee/agent/kernel-probes";
import { ElfError, functionsOfFile, probesOfFile } from "@guardbee/agent/program-places";
import { stringify } from "yaml";
import { UsageError } from "../command.ts";
import { aText, tetraCommand, texts } from "./command.ts";

type Args = {
  readonly kind: string;
  readonly matchBinary: readonly string[];
  readonly regex: string;
  readonly binary: string;
};

/** A policy to start from, by what it is about. */
const kinds: Readonly<Record<string, (args: Args) => { name: string; spec: object }>> = {
  empty: () => ({ name: "empty", spec: {} }),
  // A hook for each would be more than a policy may have.
  "all-syscalls": (args) => ({
    name: "syscalls",
    spec: {
      lists: [{ name: "syscalls", type: "syscalls", values: askSystemCalls() }],
      kprobes: [{ call: "list:syscalls", syscall: true, ...selectorsOf(args) }],
    },
  }),
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
  uprobes: (args) => {
    const symbols = ofBinary(args, functionsOfFile);
    if (symbols.length === 0) throw nothingIn(args, "names no function: it is stripped");
    const uprobes = [{ path: args.binary, symbols, ...selectorsOf(args) }];
    return { name: "uprobes", spec: { uprobes } };
  },
  usdts: (args) => {
    const probes = ofBinary(args, probesOfFile);
    if (probes.length === 0) throw nothingIn(args, "has no markers (USDT)");
    const usdts = probes.map(({ provider, name }) => ({
      ...{ path: args.binary, provider, name, ...selectorsOf(args) },
    }));
    return { name: "usdts", spec: { usdts } };
  },
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
      })
      .option("binary", { ...aText("With uprobes and usdts: of this program"), alias: "b" }),
  async run(args, io) {
    const binary = args.binary === "" ? "" : resolve(io.cwd, args.binary);
    const made = Object.hasOwn(kinds, args.kind) ? kinds[args.kind]?.({ ...args, binary }) : null;
    if (made == null) {
      throw new UsageError(
        `${args.kind} cannot be generated; use ${Object.keys(kinds).join(", ")}`,
      );
    }
    const metadata = { creationTimestamp: null, name: made.name };
    const type = { apiVersion: "cilium.io/v1alpha1", kind: "TracingPolicy" };
    io.stdout.write(
      stringify(
        { ...type, metadata, spec: made.spec },
        { indentSeq: false, lineWidth: 0, aliasDuplicateObjects: false },
      ),
    );
  },
});

function ofBinary<T>({ kind, binary }: Args, read: (path: string) => T): T {
  if (binary === "") throw new UsageError(`${kind} are of a program; name it with --binary`);
  try {
    return read(binary);
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    throw new UsageError(`${binary}: is no program: ${error.message}`, { cause: error });
  }
}

function nothingIn({ binary }: Args, what: string): UsageError {
  return new UsageError(`${binary}: ${what}`);
}

function selectorsOf({ matchBinary }: Args): object {
  if (matchBinary.length === 0) return {};
  return { selectors: [{ matchBinaries: [{ operator: "In", values: matchBinary }] }] };
}
