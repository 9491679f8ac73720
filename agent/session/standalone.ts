import { stat, watch } from "node:fs/promises";
import { dirname } from "node:path";

import type { Clock } from "@guardbee/kube";
import type { Logger } from "pino";

import type { Desired, Engine, SetState } from "../kernel/engine.ts";
import { Wakeup } from "../scope/wakeup.ts";
import { joinFiles, keepGood, loadPolicyFolder, type PolicyFolder } from "./policy-files.ts";
import { Programmer } from "./programmer.ts";
import { runTogether } from "./run-together.ts";

export type StandaloneOptions = {
  /** A file, or a folder with files. */
  readonly path: string;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Editors write a file in several steps; this long after the last of them it is read. */
const DEBOUNCE_MS = 200;
/** Read again even when nothing was reported: the path may be a symbolic link or a mount. */
const REREAD_MS = 10_000;

/**
 * Keeps a machine without Kubernetes at what the policies in files say. Containers are not told
 * apart here: every process is in the host's scope, and a policy for pods alone holds nowhere.
 */
export class Standalone {
  readonly #options: StandaloneOptions;
  readonly #programmer: Programmer;
  readonly #wakeup: Wakeup;
  /** Written by `#enter`. */
  #folder: PolicyFolder;

  /** undefined when there is nothing at `path`. Policies that are wrong are logged. */
  static async open(options: StandaloneOptions): Promise<Standalone | undefined> {
    const folder = await loadPolicyFolder(options.path);
    return folder && new Standalone(options, folder);
  }

  private constructor(options: StandaloneOptions, folder: PolicyFolder) {
    const { engine, clock, log } = options;
    this.#options = options;
    this.#folder = folder;
    this.#logPolicies();
    this.#wakeup = new Wakeup(clock);
    this.#programmer = new Programmer({
      engine,
      desired: () => this.#desired(),
      onProgrammed: () => {},
      clock,
      log: log.child({ component: "programmer" }),
    });
  }

  /** What became of each set; undefined before the kernel was programmed. */
  states(): readonly SetState[] | undefined {
    return this.#programmer.states();
  }

  /** Follows the files until `signal` aborts. The kernel is left as it is then. */
  async run(signal: AbortSignal): Promise<void> {
    await runTogether(
      [
        (each) => this.#programmer.run(each),
        (each) => this.#reread(each),
        (each) => this.#watch(each),
      ],
      signal,
    );
  }

  async #reread(signal: AbortSignal): Promise<void> {
    const { clock, path, log } = this.#options;
    try {
      for (;;) {
        await this.#wakeup.sleep(REREAD_MS, signal);
        await clock.sleep(DEBOUNCE_MS, signal);
        try {
          this.#enter(await loadPolicyFolder(path));
        } catch (error) {
          log.error({ err: error, path }, "policies cannot be read; keeping those of before");
        }
      }
    } catch (error) {
      if (error !== signal.reason) throw error; // abort is the normal end
    }
  }

  /** The folder, also of a single file: an editor puts a new file in its place. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { path, log } = this.#options;
    try {
      const folder = (await stat(path)).isDirectory() ? path : dirname(path);
      for await (const _event of watch(folder, { signal })) this.#wakeup.wake();
    } catch (error) {
      // Reading again every ten seconds goes on without it.
      if (!signal.aborted) log.warn({ err: error, path }, "changes of policies are not reported");
    }
  }

  /** A path that is gone keeps what it held: an unmounted folder is no wish to end its policies. */
  #enter(loaded: PolicyFolder | undefined): void {
    if (loaded === undefined) {
      this.#options.log.warn({ path: this.#options.path }, "no such path; keeping its policies");
      return;
    }
    const before = summary(this.#folder);
    this.#folder = keepGood(this.#folder, loaded);
    if (summary(this.#folder) === before) return;
    this.#logPolicies();
    this.#programmer.poke();
  }

  #logPolicies(): void {
    const { log } = this.#options;
    const { sets, problems } = joinFiles(this.#folder);
    for (const { name, set } of sets) log.info({ set: name, mode: set.mode }, "policy");
    for (const problem of problems) log.error({ problem }, "policy is wrong");
  }

  #desired(): Desired {
    const { sets } = joinFiles(this.#folder);
    const host = sets.filter(({ set }) => set.scope.host).map(({ name }) => name);
    return { sets, scopes: { host, podRoots: [], cgroups: [] } };
  }
}

function summary(folder: PolicyFolder): string {
  const { sets, problems } = joinFiles(folder);
  return JSON.stringify([sets.map(({ name, hash }) => [name, hash]), problems]);
}
