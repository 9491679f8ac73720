import { isDeepStrictEqual } from "node:util";
import { type Clock, Loop, type NextStep } from "@guardbee/kube";
import type { Hook } from "@guardbee/policy";
import type { Logger } from "pino";
import type { Desired, Engine, FileRoot, UnhookedFile } from "../engine.ts";
import { containerRoots } from "../scope/container-roots.ts";
import type { NodeSnapshot } from "../scope/resolve.ts";

/** A container in which sets hold that hook programs' files. */
export type FileContainer = {
  /** Inode number of its cgroup, and that folder. */
  readonly id: bigint;
  readonly path: string;
  readonly sets: readonly string[];
};

/** The containers of `snapshot` in which sets hold that hook programs' files. */
export function fileContainers(
  { sets, scopes }: Desired,
  { tree }: NodeSnapshot,
): readonly FileContainer[] {
  const hooking = new Set(
    sets.flatMap(({ name, set }) => (set.hooks.some(isInFile) ? [name] : [])),
  );
  if (hooking.size === 0) return [];
  const setsOf = new Map(scopes.cgroups.map(({ id, sets }) => [id, sets]));
  return tree.pods.flatMap(({ containers }) =>
    containers.flatMap(({ id, path }): readonly FileContainer[] => {
      const its = (setsOf.get(id) ?? []).filter((name) => hooking.has(name));
      return its.length === 0 ? [] : [{ id, path, sets: its }];
    }),
  );
}

function isInFile({ on }: Hook): boolean {
  return on.kind === "uprobe" || on.kind === "usdt";
}

export type ContainerFilesOptions = {
  readonly engine: Pick<Engine, "hookFiles">;
  /** All of them; undefined: nothing was programmed yet. */
  readonly containers: () => readonly FileContainer[] | undefined;
  readonly procfs: string;
  /** `unhooked` gives something else than before. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Logger;
};

/** A container's runtime changes its root folder once, soon after it was made. */
const YOUNG_MS = 20;
const YOUNG_FOR_MS = 5_000;
/** Files are replaced, and processes change their roots, at any time. */
const AGAIN_MS = 10_000;

/** A container as it was looked at last. */
type Seen = {
  /** When it was first seen. */
  readonly sinceMs: number;
  readonly lookedMs: number;
  readonly roots: readonly string[];
};

/** Keeps hooks on programs attached to the files that containers have, as they come and go. */
export class ContainerFiles {
  readonly #options: ContainerFilesOptions;
  readonly #loop: Loop;
  /** By cgroup. Written by `#step`. */
  #seen: ReadonlyMap<bigint, Seen> = new Map();
  /** What the engine was told last, and when; undefined: it is to be told. Written by `#step` and `poke`. */
  #told: { readonly roots: readonly FileRoot[]; readonly atMs: number } | undefined;
  /** Written by `#step`. */
  #unhooked: readonly UnhookedFile[] = [];

  constructor(options: ContainerFilesOptions) {
    this.#options = options;
    const { clock, log } = options;
    const failure = "programs' files in containers cannot be looked at";
    this.#loop = new Loop({ step: () => this.#step(), failure, clock, log });
  }

  /** `containers`, or what is programmed, may have changed. */
  poke(): void {
    this.#told = undefined;
    this.#loop.wake();
  }

  /** Hooks that see nothing in some container although it has the file. */
  unhooked(): readonly UnhookedFile[] {
    return this.#unhooked;
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#loop.run(signal);
  }

  async #step(): Promise<NextStep> {
    const { clock } = this.#options;
    const containers = this.#options.containers();
    if (containers === undefined) return {};
    const now = clock.monotonic();
    const seen = await Promise.all(
      containers.map(async (one) => [one, await this.#look(one, now)] as const),
    );
    this.#seen = new Map(seen.map(([{ id }, its]) => [id, its]));
    const roots = seen.flatMap(([{ id, sets }, its]) =>
      its.roots.map((path): FileRoot => ({ path, cgroup: id, sets })),
    );
    const isKnown = isDeepStrictEqual(roots, this.#told?.roots);
    if (!isKnown || now - this.#told!.atMs >= AGAIN_MS) await this.#tell(roots, now);
    if (containers.length === 0) return {};
    const isYoung = seen.some(([, { sinceMs }]) => now - sinceMs < YOUNG_FOR_MS);
    return { againInMs: isYoung ? YOUNG_MS : AGAIN_MS };
  }

  /** One that is young is looked at each time, an older one as files are. */
  async #look({ id, path }: FileContainer, now: number): Promise<Seen> {
    const before = this.#seen.get(id);
    const { sinceMs = now, lookedMs = now } = before ?? {};
    const isDue = now - sinceMs < YOUNG_FOR_MS || now - lookedMs >= AGAIN_MS;
    if (before !== undefined && !isDue) return before;
    return { sinceMs, lookedMs: now, roots: await containerRoots(path, this.#options.procfs) };
  }

  async #tell(roots: readonly FileRoot[], atMs: number): Promise<void> {
    this.#told = { roots, atMs }; // before: what is poked meanwhile is told again
    const unhooked = await this.#options.engine.hookFiles(roots);
    const isChanged = !isDeepStrictEqual(unhooked, this.#unhooked);
    this.#unhooked = unhooked;
    if (isChanged) this.#options.onChange();
  }
}
