import { hash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

import {
  formatProblem,
  hashSets,
  lower,
  type ParsedPolicy,
  type Problem,
  parsePolicies,
  setName,
} from "@guardbee/policy";

import type { NamedSet } from "../engine.ts";

/** What the policies in one file, or in several, come to. */
export type PolicyFiles = {
  readonly sets: readonly NamedSet[];
  /** One line for each thing that is wrong, with file and line where known. */
  readonly problems: readonly string[];
  /** The same for what is taken and probably not meant. */
  readonly warnings: readonly string[];
};

/** Those in one file; `textHash` (SHA-256) tells whether it is still the same. */
type PolicyFile = PolicyFiles & { readonly textHash?: string };

/** Policies by file. */
export type PolicyFolder = ReadonlyMap<string, PolicyFile>;

/**
 * The policies in the file at `path`, or in the .yaml, .yml and .json files of the folder there (not
 * in folders below); undefined when there is nothing at `path`. A bad policy leaves the others alone.
 * What `before` has of a file is kept when its text is the same.
 */
export async function loadPolicyFolder(
  path: string,
  before: PolicyFolder = new Map(),
): Promise<PolicyFolder | undefined> {
  const files = await listFiles(path);
  if (files === undefined) return undefined;
  const found = new Map<string, PolicyFile>();
  // One after the other: a thousand files at once would be in memory at once.
  for (const file of files) found.set(file, await readPolicies(file, before.get(file)));
  return found;
}

/**
 * Sets of all files, sorted by name. Of two policies with one identity that of the first file stays
 * and the other is a problem.
 */
export function joinFiles(folder: PolicyFolder): PolicyFiles {
  const sets = new Map<string, NamedSet>();
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const [file, found] of folder) {
    problems.push(...found.problems);
    warnings.push(...found.warnings);
    for (const set of found.sets) {
      const { name } = set;
      if (sets.has(name)) problems.push(`${file}: ${name}: is given twice; remove one of the two`);
      else sets.set(name, set);
    }
  }
  return {
    sets: [...sets.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    problems,
    warnings,
  };
}

/**
 * `now`, where a file that has something wrong keeps what it gave before: a typing error in an
 * editor must not end a policy that holds.
 */
export function keepGood(before: PolicyFolder, now: PolicyFolder): PolicyFolder {
  const kept = [...now].map(([file, found]) => {
    if (found.problems.length === 0) return [file, found] as const;
    const given = new Set(found.sets.map(({ name }) => name));
    const held = before.get(file)?.sets.filter(({ name }) => !given.has(name)) ?? [];
    return [file, { ...found, sets: [...found.sets, ...held] }] as const;
  });
  return new Map(kept);
}

/** What of a policy can be held here. */
type Here = { readonly kubernetes: boolean };

/** The policies in one text. */
export function readText(
  text: string | Uint8Array,
  file: string,
  here: Here = { kubernetes: false },
): PolicyFiles {
  const { policies, regoPolicies, problems, others } = parsePolicies(text, file);
  const lowered = policies.map((policy) => lowerAlone(policy, here));
  return {
    sets: lowered.flatMap(({ set }) => (set === undefined ? [] : [set])),
    problems: [
      ...problems.map(formatProblem),
      ...[...regoPolicies, ...others].map(
        ({ kind = "", line }) =>
          `${file}:${line}: kind: is ${kind}, no policy; remove it from here`,
      ),
      ...lowered.flatMap(({ problems: found }) => found.map(formatProblem)),
    ],
    warnings: lowered.flatMap(({ warnings }) => warnings.map(formatProblem)),
  };
}

async function readPolicies(file: string, before: PolicyFile | undefined): Promise<PolicyFile> {
  try {
    const text = await readFile(file);
    const textHash = hash("sha256", text);
    return before?.textHash === textHash ? before : { ...readText(text, file), textHash };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return { sets: [], problems: [], warnings: [] }; // removed since it was listed
    const problem = `${file}: cannot be read: ${(error as Error).message}`;
    return { sets: [], problems: [problem], warnings: [] };
  }
}

type Lowered = {
  readonly set?: NamedSet;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
};

function lowerAlone(
  { result, locate, warnings: found }: ParsedPolicy,
  { kubernetes }: Here,
): Lowered {
  if (!result.ok) return { problems: [], warnings: found }; // among the file's own problems
  const lowered = lower(result.value);
  const warnings = [...found, ...lowered.warnings.map(locate)];
  if (!lowered.ok) return { problems: lowered.problems.map(locate), warnings };
  const set = lowered.value;
  const refused = kubernetes ? undefined : needsKubernetes(result.value.spec, set.policy.namespace);
  if (refused !== undefined) return { problems: [locate(refused)], warnings };
  return { set: { name: setName(set.policy), hash: hashSets([set]), set }, problems: [], warnings };
}

/**
 * Where a policy asks for what only Kubernetes knows. A namespaced policy has no pods to hold for
 * here; upstream would load it for every process, which is more than it says.
 */
function needsKubernetes(spec: object, namespace: string | undefined): Problem | undefined {
  const fix = "remove it, or apply the policy with kubectl to a cluster";
  const selector = ["podSelector", "containerSelector"].find((key) => Object.hasOwn(spec, key));
  if (selector !== undefined) {
    const what = "selects pods, and there is no Kubernetes here";
    return { field: `spec.${selector}`, what, fix, kind: "unsupported" };
  }
  if (namespace === undefined) return undefined;
  const what = `is ${namespace}, and there is no Kubernetes here`;
  return { field: "metadata.namespace", what, fix, kind: "unsupported" };
}

async function listFiles(path: string): Promise<readonly string[] | undefined> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = await readdir(path);
    return names
      .filter((name) => /\.(ya?ml|json)$/.test(name) && !name.startsWith("."))
      .sort()
      .map((name) => join(path, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
