import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseAllDocuments } from "yaml";
import { outputPaths } from "../../build/tools/ensure-built.ts";
import { skipReason } from "../../kube/testing/must-run.ts";
import { itemNamed } from "../e2e/lab/items.ts";

export const root = resolve(import.meta.dirname, "../..");
export const chart = join(root, "config/helm/guardbee");

/** Without anybody's kubeconfig or repositories; programs write caches there. */
const home = mkdtempSync(join(tmpdir(), "guardbee-home-"));
process.once("exit", () => rmSync(home, { recursive: true, force: true }));

/** An object as YAML has it. */
export type Manifest = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
} & Readonly<Record<string, unknown>>;

/** Why a test with these items of the lab cannot run here, or false. For node:test's `skip`. */
export function whyNotBuilt(...items: readonly string[]): string | false {
  const missing = items.filter((name) =>
    Object.values(outputPaths(itemNamed(name))).some((path) => !existsSync(path)),
  );
  const why = `not built: node test/e2e/lab/build.ts ${missing.join(" ")}`;
  return skipReason(missing.length > 0 && why);
}

export type Program = readonly [item: string, name: string];

/** The file of a program, whether it is built or not. */
export function programPath([item, name]: Program): string {
  return outputPaths(itemNamed(item))[name]!;
}

/** Runs a program of an item with `input`; its exit code and both outputs. */
export function runProgram(
  program: Program,
  args: readonly string[],
  input = "",
): { readonly code: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr, error } = spawnSync(programPath(program), args, {
    input,
    encoding: "utf8",
    maxBuffer: 64 << 20,
    timeout: 120_000,
    env: { PATH: process.env.PATH, HOME: home },
  });
  if (error !== undefined) throw error;
  return { code: status, stdout, stderr };
}

/** Its stdout; throws with its stderr unless it ends with 0. */
export function outputOf(program: Program, args: readonly string[], input = ""): string {
  const { code, stdout, stderr } = runProgram(program, args, input);
  if (code !== 0) throw new Error(`${program[1]} ${args.join(" ")}: ended with ${code}: ${stderr}`);
  return stdout;
}

export const helm = ["helm", "helm"] as const;
export const kubectl = ["kubernetes", "kubectl"] as const;

/** `helm template` of our chart, or of another, as a release in guardbee-system, without what only uninstalls. */
export function templateArgs(set: readonly string[] = [], from = chart): string[] {
  const values = set.flatMap((one) => ["--set-json", one]);
  return ["template", "guardbee", from, "--no-hooks", "--namespace", "guardbee-system", ...values];
}

/** The chart's objects with these values (`operator.replicas=2`, JSON right of the equals sign). */
export function renderChart(...set: readonly string[]): readonly Manifest[] {
  return parseManifests(outputOf(helm, templateArgs(set)));
}

/** The objects of a kustomization, by its path in the repository. */
export function renderKustomization(folder: string): readonly Manifest[] {
  return parseManifests(outputOf(kubectl, ["kustomize", join(root, folder)]));
}

export function parseManifests(text: string): readonly Manifest[] {
  const objects = parseAllDocuments(text).map((one) => one.toJS() as Manifest | null);
  return objects.filter((one) => one !== null);
}

/** `Kind name`; one of each in all that we install. */
export function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.namespace === undefined ? "" : `${metadata.namespace}/`}${metadata.name}`;
}
