import { stat, watch } from "node:fs/promises";
import { dirname } from "node:path";

import { type Clock, Loop, type NextStep, runTogether } from "@guardbee/kube";
import type { Scope } from "@guardbee/policy";
import { workloadsName, workloadsOf } from "@guardbee/policy/sets";
import type { Logger } from "pino";

import type { Desired, Engine, NamedSet, TamperCounts } from "../engine.ts";
import { holdsInEveryPod } from "../scope/resolve.ts";
import { type AddedStore, noStore } from "./added-store.ts";
import { PolicyControl } from "./policy-control.ts";
import {
  joinFiles,
  keepGood,
  loadPolicyFolder,
  type PolicyFiles,
  type PolicyFolder,
  readText,
} from "./policy-files.ts";
import { Programmer } from "./programmer.ts";
import type { SetContent } from "./set-contents.ts";
import { Tampering } from "./tampering.ts";
import { HeldVersions } from "./versions.ts";

export type StandaloneOptions = {
  /** Files, and folders with files; none: nothing is to hold. */
  readonly paths: readonly string[];
  readonly engine: Engine;
  /** Where policies that are added over gRPC are kept; absent: they end with the agent. */
  readonly added?: AddedStore;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Editors write a file in several steps; this long after the last of them it is read. */
const DEBOUNCE_MS = 200;
/** Read again even when nothing was reported: the path may be a symbolic link or a mount. */
const REREAD_MS = 10_000;

/**
 * Keeps a machine without Kubernetes at what the policies in files say. Containers are not told
 * apart here: what holds on the host, or in every pod, holds for every process, and its conditions
 * alone say which of them are in a container. A policy that selects pods is refused (policy-files.ts).
 */
export class Standalone {
  readonly #options: StandaloneOptions;
  readonly #programmer: Programmer;
  readonly #tampering: Tampering;
  readonly #loop: Loop;
  readonly #versions: HeldVersions;
  /** What is done to policies over gRPC. */
  readonly control: PolicyControl;
  /** By path. Written by the constructor and `#enter`. */
  readonly #folders: Map<string, PolicyFolder>;
  /** Of all folders. Written by the constructor and `#reread`. */
  #files: PolicyFiles;

  /** undefined when there is nothing at one of `paths`. Policies that are wrong are logged. */
  static async open(options: StandaloneOptions): Promise<Standalone | undefined> {
    const folders = new Map<string, PolicyFolder>();
    for (const path of options.paths) {
      const folder = await loadPolicyFolder(path);
      if (folder === undefined) return undefined;
      folders.set(path, folder);
    }
    const standalone = new Standalone(options, folders);
    await standalone.control.added.load();
    return standalone;
  }

  private constructor(options: StandaloneOptions, folders: Map<string, PolicyFolder>) {
    const { engine, clock, log } = options;
    this.#options = options;
    this.#folders = folders;
    this.#files = this.#join();
    this.#logPolicies();
    this.#loop = new Loop({
      step: (signal) => this.#reread(signal),
      failure: "policies cannot be read",
      level: "error",
      firstInMs: REREAD_MS,
      ...{ clock, log },
    });
    this.#versions = new HeldVersions({
      names: () => this.#files.sets.map(({ name }) => name),
      content: (name) => contentOf(this.#files.sets.find((set) => set.name === name)),
      held: new Map(),
      displaced: new Set(),
      onChange: () => {},
    });
    this.control = new PolicyControl({
      domain: "static",
      sets: () => this.#files.sets.flatMap(({ name }) => this.#versions.sets(name)),
      stops: (sets) => engine.stops(sets),
      store: options.added ?? noStore,
      read: async (text, file) => readText(text, file),
      onChange: () => this.#programmer.poke(),
      log,
    });
    this.#programmer = new Programmer({
      engine,
      desired: () => this.#desired(),
      versions: this.#versions,
      onProgrammed: () => this.control.enter(this.#programmer.states() ?? []),
      clock,
      log: log.child({ component: "programmer" }),
    });
    this.#tampering = new Tampering({
      engine,
      programAgain: () => this.#programmer.again(),
      onChange: () => {},
      clock,
      log: log.child({ component: "tampering" }),
    });
  }

  /** What somebody else changed in the kernel. */
  tampered(): TamperCounts {
    return this.#tampering.counts();
  }

  /** Whether this agent has programmed the kernel with what it knows. */
  ready(): boolean {
    return this.#programmer.ready();
  }

  /** Follows the files until `signal` aborts. The kernel is left as it is then. */
  async run(signal: AbortSignal): Promise<void> {
    await runTogether(
      [
        (each) => this.#programmer.run(each),
        (each) => this.#tampering.run(each),
        (each) => this.#loop.run(each),
        ...this.#options.paths.map((path) => (each: AbortSignal) => this.#watch(path, each)),
      ],
      signal,
    );
  }

  async #reread(signal: AbortSignal): Promise<NextStep> {
    const { clock, paths, log } = this.#options;
    await clock.sleep(DEBOUNCE_MS, signal);
    for (const path of paths) {
      try {
        this.#enter(path, await loadPolicyFolder(path, this.#folders.get(path)));
      } catch (error) {
        log.error({ err: error, path }, "policies cannot be read; keeping those of before");
      }
    }
    const files = this.#join();
    if (summary(files) !== summary(this.#files)) {
      this.#files = files;
      this.#logPolicies();
      this.#versions.follow();
      this.#programmer.poke();
    }
    return { againInMs: REREAD_MS };
  }

  /** The folder, also of a single file: an editor puts a new file in its place. */
  async #watch(path: string, signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    try {
      const folder = (await stat(path)).isDirectory() ? path : dirname(path);
      for await (const _event of watch(folder, { signal })) this.#loop.wake();
    } catch (error) {
      // Reading again every ten seconds goes on without it.
      if (!signal.aborted) log.warn({ err: error, path }, "changes of policies are not reported");
    }
  }

  /** A path that is gone keeps what it held: an unmounted folder is no wish to end its policies. */
  #enter(path: string, loaded: PolicyFolder | undefined): void {
    if (loaded === undefined) {
      this.#options.log.warn({ path }, "no such path; keeping its policies");
    } else {
      this.#folders.set(path, keepGood(this.#folders.get(path) ?? new Map(), loaded));
    }
  }

  #join(): PolicyFiles {
    return joinFiles(new Map([...this.#folders.values()].flatMap((folder) => [...folder])));
  }

  #logPolicies(): void {
    const { log } = this.#options;
    const { sets, problems, warnings } = this.#files;
    for (const { name, set } of sets) log.info({ set: name, mode: set.mode }, "policy read");
    for (const problem of problems) log.error({ problem }, "policy is wrong");
    for (const warning of warnings) log.warn({ warning }, "policy may not be what is meant");
  }

  #desired(): Desired {
    const sets = this.control.sets() ?? [];
    const isHere = (scope: Scope) => scope.host || holdsInEveryPod(scope);
    const host = sets
      .filter(({ set }) => isHere(set.scope))
      .flatMap(({ name, set }) => [
        name,
        ...workloadsOf(set)
          .filter(isHere)
          .map((one) => workloadsName(name, one)),
      ]);
    return { sets, scopes: { host, podRoots: [], unknownPods: [], cgroups: [] } };
  }
}

/** A policy in a file is an object of one set. */
function contentOf(set: NamedSet | undefined): SetContent | undefined {
  if (set === undefined) return undefined;
  const { name, hash } = set;
  return { uid: "", generation: 0, state: "read", object: { name, hash, sets: [set] } };
}

function summary({ sets, problems, warnings }: PolicyFiles): string {
  return JSON.stringify([sets.map(({ name, hash }) => [name, hash]), problems, warnings]);
}
