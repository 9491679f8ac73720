import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capabilitiesFile } from "./library.ts";
import type { RegoSource } from "./rego-source.ts";
import { type OpaOptions, type Run, runOpa } from "./run-opa.ts";
import { withLibrary, writeRego } from "./write-rego.ts";

/** What `opa eval` gives: a value, nothing, or an error. */
export type OpaAnswer =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "undefined" }
  | { readonly kind: "error"; readonly message: string };

export type OpaEvalOptions = Omit<OpaOptions, "cwd"> & {
  /** Slash separated. */
  readonly entryPoint: string;
  readonly data: unknown;
};

/** So many inputs are given to one run of opa. */
const chunkLength = 500;

/**
 * The value of the entry point for each input under `opa eval`, in the order of the inputs, within
 * what Guardbee lets Rego use. Throws when opa cannot be run or takes too long.
 */
export async function* evalWithOpa(
  own: readonly RegoSource[],
  inputs: readonly unknown[],
  options: OpaEvalOptions,
): AsyncGenerator<OpaAnswer> {
  const folder = await mkdtemp(join(tmpdir(), "guardbee-eval-"));
  const rules = join(folder, "rego");
  try {
    await writeRego(rules, await withLibrary(own), options.data);
    for (let from = 0; from < inputs.length; from += chunkLength) {
      const chunk = inputs.slice(from, from + chunkLength);
      const answers = await evalChunk(folder, chunk, options);
      if (answers !== undefined) yield* answers;
      else for (const input of chunk) yield await evalOne(folder, input, options);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Undefined when there is an error for one of them, which ends the run for all. */
async function evalChunk(
  folder: string,
  inputs: readonly unknown[],
  options: OpaEvalOptions,
): Promise<readonly OpaAnswer[] | undefined> {
  const query = `[[i, v] | some i; x := input[i]; v := ${referenceTo(options.entryPoint)} with input as x]`;
  const { code, stdout } = await evalQuery(folder, inputs, query, options);
  if (code !== 0) return undefined;
  const found = new Map(valueIn(stdout) as readonly (readonly [number, unknown])[]);
  return inputs.map((_, i) =>
    found.has(i) ? { kind: "value", value: found.get(i) } : { kind: "undefined" },
  );
}

async function evalOne(
  folder: string,
  input: unknown,
  options: OpaEvalOptions,
): Promise<OpaAnswer> {
  const query = referenceTo(options.entryPoint);
  const { code, stdout, stderr } = await evalQuery(folder, input, query, options);
  if (code !== 0) return { kind: "error", message: errorIn(stdout) ?? stderr.trim() };
  const value = valueIn(stdout);
  return value === undefined ? { kind: "undefined" } : { kind: "value", value };
}

async function evalQuery(
  folder: string,
  input: unknown,
  query: string,
  options: OpaEvalOptions,
): Promise<Run> {
  const file = join(folder, "input.json");
  await writeFile(file, JSON.stringify(input));
  const args = ["eval", "--format", "json", "--capabilities", capabilitiesFile, "--input", file];
  return runOpa([...args, "--bundle", ".", query], { ...options, cwd: join(folder, "rego") });
}

/** `data["a"]["b"]`, whatever the names. */
function referenceTo(entryPoint: string): string {
  return `data${entryPoint
    .split("/")
    .map((name) => `[${JSON.stringify(name)}]`)
    .join("")}`;
}

function valueIn(stdout: string): unknown {
  const { result } = JSON.parse(stdout) as {
    readonly result?: readonly [{ readonly expressions: readonly [{ readonly value: unknown }] }];
  };
  return result?.[0].expressions[0].value;
}

function errorIn(stdout: string): string | undefined {
  if (!stdout.startsWith("{")) return undefined;
  const { errors = [] } = JSON.parse(stdout) as {
    readonly errors?: readonly {
      readonly message: string;
      readonly location?: { readonly file: string; readonly row: number };
    }[];
  };
  const [first] = errors;
  if (first === undefined) return undefined;
  const { location, message } = first;
  return location === undefined ? message : `${location.file}:${location.row}: ${message}`;
}
