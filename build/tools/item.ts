import { basename, join } from "node:path";

/** One thing that is built: a script, everything that decides its result, and what comes out. */
export type Item = {
  readonly name: string;
  /** Path of the script. It gets OUT (to fill) and WORK (scratch), prints `STEP n/m text` lines. */
  readonly script: string;
  /** Further inputs: environment name to the file or folder whose path it gets; content is hashed. */
  readonly files: Readonly<Record<string, string>>;
  /** Further inputs by value, pinned versions above all. */
  readonly env: Readonly<Record<string, string>>;
  /** Name to path in the result, as `--json` prints them. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly needsGo: boolean;
  /** Built when it is named only: what uses it is long, too. */
  readonly onRequest?: true;
};

/** An item: programs of one published Go module, each by the path of its package in the module. */
export function goModule(
  name: string,
  module: string,
  version: string,
  programs: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
): Item {
  const list = Object.entries(programs).map(([program, source]) => `${program}=${source}`);
  return {
    name,
    script: join(import.meta.dirname, "go-module.sh"),
    files: {},
    env: { ...env, MODULE: module, VERSION: version, PROGRAMS: list.join(" ") },
    outputs: same(...Object.keys(programs)),
    needsGo: true,
  };
}

/** Outputs whose names are their paths. */
export function same(...names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, name]));
}

/** The item called `name`; throws with the known names if there is none. */
export function itemIn(items: readonly Item[], name: string): Item {
  const item = items.find((candidate) => candidate.name === name);
  if (item !== undefined) return item;
  const known = items.map((candidate) => candidate.name).join(", ");
  throw new Error(`item ${name}: is unknown; one of ${known}`);
}

/** What tells scripts apart in a hash: not where the repository lies. */
export function scriptName({ script }: Item): string {
  return basename(script);
}
