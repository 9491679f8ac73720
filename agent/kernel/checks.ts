import type { Difference, Scopes } from "../engine.ts";
import type { Binaries } from "./binaries.ts";
import { type Found, repairing, repairingUnless } from "./difference.ts";
import type { EngineState } from "./engine-state.ts";
import { type Changed, type Expected, ReadBack } from "./expected.ts";
import { type Held, setNames } from "./held.ts";
import type { HookNumbers } from "./hook-numbers.ts";
import type { Loader } from "./loader.ts";
import { isOwnTaskMarked, markOwnTask } from "./own-task.ts";
import { ensurePins, type Pinned } from "./pinned.ts";
import type { ProtectedList } from "./protected-list.ts";
import type { ScopeClasses } from "./scope-classes.ts";
import { ensureSwitches } from "./switches.ts";

/** What one check reads at most: some ten milliseconds on another thread. */
const ENTRIES_MAX = 16_384;

export type CheckedParts = {
  readonly loader: Loader;
  /** What is pinned beside the programs of policies. */
  readonly pinned: () => readonly Pinned[];
  readonly state: EngineState;
  readonly classes: ScopeClasses;
  readonly binaries: Binaries;
  readonly numbers: HookNumbers;
  readonly settings: readonly Expected[];
  readonly protectedList: ProtectedList;
  /** Inode numbers of all that are there now. */
  readonly livingCgroups: () => ReadonlySet<bigint>;
};

/** What the kernel was made to hold by the last call that changed it. */
export type InForce = {
  readonly held: ReadonlyMap<string, Held>;
  readonly scopes: Scopes;
  readonly unassigned: ReadonlyMap<bigint, string>;
};

/** Compares what is in the kernel with what was put there, and repairs what it can by itself. */
export class Checks {
  readonly #parts: CheckedParts;
  readonly #readBack: ReadBack;
  /** Whether cgroups that have a class lacked it in the check before. Written by `repair`. */
  #lacking = false;

  constructor(parts: CheckedParts) {
    this.#parts = parts;
    this.#readBack = new ReadBack(parts.loader.native, ENTRIES_MAX);
  }

  /** Reads back the entries of maps, and changes nothing. Throws KernelError. */
  async read(inForce: InForce): Promise<readonly Changed[]> {
    const { state, classes, binaries, numbers, settings, livingCgroups } = this.#parts;
    const { held, scopes, unassigned } = inForce;
    return this.#readBack.find([
      ...[state.expected(), ...settings, numbers.expected()],
      ...classes.expected(scopes, unassigned, livingCgroups),
      ...binaries.expected(),
      ...[...held.values()].flatMap(({ program, point }) => program.expected(setNames(point))),
    ]);
  }

  /** Repairs `changed`, which `read` gave of what is still in force, and all else that is other. */
  repair(changed: readonly Changed[], inForce: InForce): readonly Difference[] {
    const { loader, pinned, protectedList } = this.#parts;
    const { native, shared } = loader;
    if (loader.pins.isSuperseded()) {
      const message = "another version's are there: two agents run on this machine; end one";
      return [{ kind: "pin", what: loader.pins.root, state: "failed", message }];
    }
    const { root } = loader.pins;
    loader.retired.collect();
    const folders = repairing({ kind: "pin", what: root }, () => loader.pins.makeFolders());
    const pins = [
      ...pinned(),
      ...[...inForce.held.values()].flatMap(({ program, point }) =>
        program.pinned(setNames(point)),
      ),
    ];
    return [
      ...(folders.state === "failed" ? [folders] : []),
      ...ensurePins(native, pins),
      ...this.#repairEntries(changed, inForce),
      ...(protectedList.isWhole()
        ? []
        : [
            repairing({ kind: "protected", what: "protected_binaries" }, () =>
              protectedList.write(),
            ),
          ]),
      ...(isOwnTaskMarked(native, shared.process)
        ? []
        : [
            repairing({ kind: "agent", what: "process" }, () =>
              markOwnTask(native, shared.process),
            ),
          ]),
      ...ensureSwitches(inForce.held.values()),
    ];
  }

  #repairEntries(changed: readonly Changed[], inForce: InForce): readonly Difference[] {
    const lacked = this.#lacking;
    this.#lacking = changed.some(({ gone }) => gone);
    return changed.flatMap(({ expected, gone }) => {
      const { kind, what, sets, mayEnd } = expected;
      const found = { kind, what, ...(sets === undefined ? {} : { sets }) };
      const repair = () => this.#repairOne(expected, found, inForce.held);
      if (!gone) return repair();
      // One that was removed meanwhile the agent forgets, mostly by the next check.
      if (!lacked || mayEnd === undefined) return [];
      return repairingUnless(found, mayEnd, repair) ?? [];
    });
  }

  #repairOne({ restore }: Expected, found: Found, held: InForce["held"]): Difference {
    if (restore !== undefined) return repairing(found, restore);
    this.#parts.binaries.distrust();
    for (const { program } of held.values()) program.distrust();
    return { ...found, state: "programmable" };
  }
}
