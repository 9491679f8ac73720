import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { readBundleFile } from "./bundle-file.ts";
import { capabilitiesFile, libraryFor } from "./library.ts";
import { refusedBuiltins } from "./refused-builtins.ts";

export type RegoSource = {
  /** For errors only, in whatever form its author knows it by; the text never lies there. */
  readonly path: string;
  readonly text: string;
};

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
  const sources = [...own, ...(await libraryFor(own.map(({ text }) => text)))];
  const { entryPoints, capabilities = capabilitiesFile } = options;
  const rules = join(folder, "rego");
  await mkdir(rules);
  // Numbered: a path from outside must not say where we write.
  const files = sources.map(({ text }, index) => ({ path: join(rules, `${index}.rego`), text }));
  for (const { path, text } of files) await writeFile(path, text);
  if (options.data !== undefined) {
    await writeFile(join(rules, "data.json"), JSON.stringify(options.data));
  }
  const limits = ["--capabilities", capabilities];
  const bundle = join(folder, "bundle.tar.gz");
  const entries = entryPoints.flatMap((entryPoint) => ["-e", entryPoint]);
  const built = await runOpa(
    ["build", "-t", "wasm", ...entries, ...limits, "-o", bundle, rules],
    options,
  );
  if (built.code === 0) {
    const module = await readBundleFile(bundle, "/policy.wasm", maximumModuleBytes);
    return { ok: true, module, opaVersion: await versionOf(options) };
  }
  // `opa build` has no JSON and no columns; what it alone finds comes as text.
  const checked = await runOpa(["check", "--format", "json", ...limits, rules], options);
  const found = problemsOf(checked.stderr, checked.stdout);
  const problems = found.length > 0 ? found : [textProblem(built.stderr || built.stdout)];
  return { ok: false, problems: problems.map((problem) => inSource(problem, files, sources)) };
}

type Run = { readonly code: number; readonly stdout: string; readonly stderr: string };

async function runOpa(args: readonly string[], options: CompileOptions): Promise<Run> {
  const { opa, signal, deadlineMs = 30_000 } = options;
  const limits = { timeout: deadlineMs, killSignal: "SIGKILL", maxBuffer: 4 << 20 } as const;
  const env = { GOMEMLIMIT: "512MiB" }; // and nothing of ours: Rego must not depend on it
  try {
    const { stdout, stderr } = await run(opa, args, { ...limits, env, signal });
    return { code: 0, stdout, stderr };
  } catch (cause) {
    signal.throwIfAborted();
    const { code, killed, stdout, stderr, message } = cause as ExecError;
    if (typeof code === "number") return { code, stdout, stderr };
    const what = killed ? `took over ${deadlineMs} ms; make the policy smaller` : message;
    throw new Error(`opa ${args[0]}: ${what}`, { cause });
  }
}

const run = promisify(execFile);

type ExecError = Error & {
  readonly code: number | string | null;
  readonly killed: boolean;
  readonly stdout: string;
  readonly stderr: string;
};

async function versionOf(options: CompileOptions): Promise<string> {
  const { stdout } = await runOpa(["version"], options);
  return /^Version: (\S+)/m.exec(stdout)?.[1] ?? "unknown";
}

/** What `opa check --format json` printed, on whichever stream. */
function problemsOf(...streams: readonly string[]): readonly RegoProblem[] {
  const text = streams.find((stream) => stream.trimStart().startsWith("{"));
  if (text === undefined) return [];
  const { errors = [] } = JSON.parse(text) as { readonly errors?: readonly CheckError[] };
  return errors.map(({ message, code = "rego_error", location }) => ({
    file: location?.file ?? "",
    row: location?.row ?? 0,
    column: location?.col ?? 0,
    code,
    message,
  }));
}

type CheckError = {
  readonly message: string;
  readonly code?: string;
  readonly location?: { readonly file: string; readonly row: number; readonly col: number };
};

/** `error: 1 error occurred: FILE:ROW: CODE: MESSAGE`, or a sentence without any place. */
function textProblem(stderr: string): RegoProblem {
  const text = stderr.trim().replace(/^error: (\d+ errors? occurred: ?\s*)?/, "");
  const placed = /^(\S+?):(\d+): (\w+): (.*)/.exec(text);
  if (placed === null) return { file: "", row: 0, column: 0, code: "rego_error", message: text };
  const [, file, row, code, message] = placed;
  return { file: file!, row: Number(row), column: 0, code: code!, message: message! };
}

/** The problem under the author's own name for the file, and with the reason for a refusal. */
function inSource(
  problem: RegoProblem,
  files: readonly RegoSource[],
  sources: readonly RegoSource[],
): RegoProblem {
  const name = files.reduce(
    (text, { path }, index) => text.replaceAll(path, sources[index]!.path),
    problem.file,
  );
  const builtin = /^undefined function (\S+)$/.exec(problem.message)?.[1];
  const reason = builtin === undefined ? undefined : refusedBuiltins[builtin];
  if (reason === undefined) return { ...problem, file: name };
  return {
    ...problem,
    file: name,
    code: "builtin_refused",
    message: `${builtin} is refused: ${reason}`,
  };
}
