import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readBundleFile } from "./bundle-file.ts";
import { capabilitiesFile } from "./library.ts";
import { refusedBuiltins, refusedImports } from "./refused-builtins.ts";
import type { RegoSource } from "./rego-source.ts";
import { type OpaOptions, runOpa } from "./run-opa.ts";
import { withLibrary, writeRego } from "./write-rego.ts";

export type CompileOptions = {
  /** Slash separated: `team/edge/policies`. At least one. */
  readonly entryPoints: readonly string[];
  /** Base documents that the rules are checked against: a rule may not lie where data does. */
  readonly data?: unknown;
  /** The opa program; see findOpa. */
  readonly opa: string;
  /** What Rego may use; default rego/capabilities.json of this checkout. */
  readonly capabilities?: string;
  readonly signal: AbortSignal;
  /** For each run of opa; default 30 s. */
  readonly deadlineMs?: number;
};

/** Row and column count from 1; 0 where opa tells none, then `file` is "" too. */
export type RegoProblem = {
  readonly file: string;
  readonly row: number;
  readonly column: number;
  /** As opa has it: `rego_parse_error`, `rego_type_error`, `rego_unsafe_var_error`, ... */
  readonly code: string;
  readonly message: string;
};

export type Compiled =
  | {
      readonly ok: true;
      readonly module: Uint8Array<ArrayBuffer>;
      /** Of the program that compiled it: `1.22.2`. */
      readonly opaVersion: string;
    }
  | { readonly ok: false; readonly problems: readonly RegoProblem[] };

/**
 * Compiles Rego to WebAssembly with `opa build`, within our capabilities and with our library, in a
 * temporary folder that is removed again. What is wrong with the Rego is in the result, builtins that are refused among
 * it. Throws when opa cannot be run or takes too long, and with `signal.reason`.
 */
export async function compileRego(
  sources: readonly RegoSource[],
  options: CompileOptions,
): Promise<Compiled> {
  const folder = await mkdtemp(join(tmpdir(), "guardbee-rego-"));
  try {
    return await compileIn(folder, sources, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A module of 16 MiB is far more than a policy; past it, the Rego is not written by a person. */
const maximumModuleBytes = 16 * 1024 * 1024;

async function compileIn(
  folder: string,
  own: readonly RegoSource[],
  options: CompileOptions,
): Promise<Compiled> {
  const sources = await withLibrary(own);
  const { entryPoints, capabilities = capabilitiesFile } = options;
  const rules = join(folder, "rego");
  const files = await writeRego(rules, sources, options.data);
  const limits = ["--capabilities", capabilities];
  const bundle = join(folder, "bundle.tar.gz");
  const inSources = (problems: readonly RegoProblem[]): Compiled => {
    const order = ({ file }: RegoProblem) => files.indexOf(file);
    const sorted = [...problems].sort((a, b) => order(a) - order(b) || a.row - b.row);
    return { ok: false, problems: sorted.map((problem) => inSource(problem, files, sources)) };
  };
  // Only of a bundle does opa see that a rule lies where data does, and only here with columns.
  const checked = await runOpa(["check", "--format", "json", ...limits, "--bundle", "."], {
    ...options,
    cwd: rules,
  });
  if (checked.code !== 0) {
    const found = problemsOf(checked.stderr, checked.stdout);
    const text = textProblem((checked.stderr || checked.stdout).replaceAll(`${rules}/`, ""));
    return inSources(found.length > 0 ? found : [text]);
  }
  const entries = entryPoints.flatMap((entryPoint) => ["-e", entryPoint]);
  const built = await runOpa(["build", "-t", "wasm", ...entries, ...limits, "-o", bundle, "."], {
    ...options,
    cwd: rules,
  });
  if (built.code === 0) {
    const module = await readBundleFile(bundle, "/policy.wasm", maximumModuleBytes);
    return { ok: true, module, opaVersion: await versionOf({ ...options, cwd: folder }) };
  }
  // What `opa build` alone finds comes as text.
  return inSources([textProblem((built.stderr || built.stdout).replaceAll(`${rules}/`, ""))]);
}

async function versionOf(options: OpaOptions): Promise<string> {
  const { stdout } = await runOpa(["version"], options);
  return /^Version: (\S+)/m.exec(stdout)?.[1] ?? "unknown";
}

/** What `opa check --format json` printed, on whichever stream. */
function problemsOf(...streams: readonly string[]): readonly RegoProblem[] {
  const text = streams.find((stream) => stream.trimStart().startsWith("{"));
  if (text === undefined) return [];
  const { errors = [] } = JSON.parse(text) as { readonly errors?: readonly CheckError[] };
  return errors.map(({ message, code = "rego_error", location, details }) => ({
    file: location?.file ?? "",
    row: location?.row ?? 0,
    column: location?.col ?? 0,
    ...(refusal(message, details?.line ?? "") ?? { code, message }),
  }));
}

type CheckError = {
  readonly message: string;
  readonly code?: string;
  readonly location?: { readonly file: string; readonly row: number; readonly col: number };
  /** Of a parse error: the line where it is. */
  readonly details?: { readonly line?: string };
};

/** What to write instead of what Guardbee's capabilities leave out; undefined for other errors. */
function refusal(
  message: string,
  line: string,
): { readonly code: string; readonly message: string } | undefined {
  const builtin = /^undefined function (\S+)$/.exec(message)?.[1];
  const builtinReason = builtin === undefined ? undefined : refusedBuiltins[builtin];
  if (builtinReason !== undefined) {
    return { code: "builtin_refused", message: `${builtin} is refused: ${builtinReason}` };
  }
  const imported = /^\s*import\s+([\w.]+)/.exec(line)?.[1];
  const importReason = imported === undefined ? undefined : refusedImports[imported];
  if (importReason === undefined) return undefined;
  return { code: "import_refused", message: `${imported} is refused: ${importReason}` };
}

/** `error: 1 error occurred: FILE:ROW: CODE: MESSAGE`, or a sentence without any place. */
function textProblem(stderr: string): RegoProblem {
  const text = stderr.trim().replace(/^error: (\d+ errors? occurred: ?\s*)?/, "");
  const placed = /^(\S+?):(\d+): (\w+): (.*)/.exec(text);
  if (placed === null) return { file: "", row: 0, column: 0, code: "rego_error", message: text };
  const [, file, row, code, message] = placed;
  return { file: file!, row: Number(row), column: 0, code: code!, message: message! };
}

/** The problem under the author's own name for the file. */
function inSource(
  problem: RegoProblem,
  files: readonly string[],
  sources: readonly RegoSource[],
): RegoProblem {
  return { ...problem, file: sources[files.indexOf(problem.file)]?.path ?? problem.file };
}
