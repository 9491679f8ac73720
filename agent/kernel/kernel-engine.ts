import { join } from "node:path";
import { followsDescriptors, tracksSockets } from "@guardbee/policy/sets";
import type { Logger } from "pino";
import { binaryKey } from "../compile/keys.ts";
import { classRow } from "../compile/tables.ts";
import type {
  Desired,
  Engine,
  FileRoot,
  KernelFeatures,
  MissedCalls,
  NamedSet,
  Programmed,
  Scopes,
  SetStops,
  Unfollowed,
  UnhookedFile,
} from "../engine.ts";
import { enums } from "../gen/layout.ts";
import { adoptFollowed } from "./adopt-followed.ts";
import { type Attacher, attachAll, hookAllFiles } from "./attach-all.ts";
import { Binaries, numberBinaries } from "./binaries.ts";
import { EngineState } from "./engine-state.ts";
import { type Abilities, type Allowed, isUnsure, probeAbilities } from "./features.ts";
import { FollowShares } from "./follow-shares.ts";
import {
  freeFollowGroups,
  isGroupFreed,
  numberFollowGroups,
  removeFileFree,
} from "./followed-files.ts";
import {
  byName,
  failedStates,
  type Held,
  type HeldHook,
  hooksOf,
  stateOf,
  stopsOf,
} from "./held.ts";
import { HookNumbers } from "./hook-numbers.ts";
import { type Losses, readLosses } from "./losses.ts";
import { readMisses } from "./misses.ts";
import type { Native, RingReader } from "./native.ts";
import { markOwnTask } from "./own-task.ts";
import { PinnedIds, u32 } from "./pinned-ids.ts";
import { Pins, removePins } from "./pins.ts";
import { type Loader, Program } from "./program.ts";
import { ProgramFiles } from "./program-files.ts";
import { type CgroupRate, writeRate } from "./rate.ts";
import { capacityFor, classLimit, firstClass, ScopeClasses } from "./scope-classes.ts";
import { SlotChanges } from "./slots.ts";
import { removeSockFree } from "./tracked-sockets.ts";
import { askOfExecs, ensureTracking } from "./tracking.ts";
import { forgetWaiting } from "./waiting.ts";

export type KernelEngineOptions = {
  readonly native: Native;
  /** Folder on a bpffs that is ours alone. */
  readonly bpffs: string;
  /** Folder of the compiled *.bpf.o. */
  readonly objects: string;
  /** Executables of the node itself that are never killed or denied below the host's root. */
  readonly protectedBinaries: readonly string[];
  /** Where the node's root folder can be read; default `/`. */
  readonly hostRoot?: string;
  /** Absent: it asks nothing of others. */
  readonly allowed?: Allowed;
  /** How many followed files a pod may have open; what opens more is stopped. */
  readonly podFiles: number;
  /** How many events about its processes a pod may have; absent: as many as it likes. */
  readonly cgroupRate?: CgroupRate;
  /** enum exec_asked: what exec events have beside what they always have; default nothing. */
  readonly execAsked?: number;
  readonly log: Logger;
};

const nothingAllowed: Allowed = {
  whyNoRequest: () => "this agent may ask nothing of others",
};

/** Programs the kernel of the node it runs on. What it has programmed outlives it, in pins. */
export class KernelEngine implements Engine {
  readonly #native: Native;
  readonly #log: Logger;
  readonly #loader: Loader;
  readonly #allowed: Allowed;
  /** Asked for again by `#program` while some of them are unsure. */
  #abilities: Abilities;
  readonly #state: EngineState;
  readonly #classes: ScopeClasses;
  readonly #followIds: PinnedIds;
  readonly #shares: FollowShares;
  readonly #binaries: Binaries;
  readonly #numbers: HookNumbers;
  readonly adopted: boolean;
  /** Attach points in force by program name. Writer: #program. */
  #held: ReadonlyMap<string, Held> = new Map();
  /** What the tables in force were made from; undefined before the first program(). */
  #desired: Desired | undefined;
  /** The sets in force, by name; undefined before the first program(). */
  #inForce: ReadonlyMap<string, NamedSet> | undefined;
  #capacity = 64;
  readonly #assignedBefore: ReadonlySet<bigint>;
  #unassigned: ReadonlyMap<bigint, string> = new Map();
  #hooks: ReturnType<typeof hooksOf> = new Map();
  /** The last call's end: calls run one after the other. */
  #tail: Promise<unknown> = Promise.resolve();

  /** Adopts what an agent of the same version pinned, or loads process tracking. */
  constructor(options: KernelEngineOptions) {
    const { native, objects, log } = options;
    const pins = new Pins(options.bpffs, objects);
    const { maps, adopted } = ensureTracking(native, pins, objects);
    this.#native = native;
    this.#log = log;
    this.adopted = adopted;
    const files = new ProgramFiles(native, options.hostRoot ?? "/");
    this.#loader = { native, pins, objects, shared: maps, files };
    this.#allowed = options.allowed ?? nothingAllowed;
    this.#abilities = this.#probe();
    this.#state = new EngineState(native, maps.engine_state, options.podFiles);
    this.#binaries = new Binaries(native, maps);
    this.#shares = new FollowShares(native, maps);
    this.#numbers = new HookNumbers(native, maps.stops);
    const scopeIds = new PinnedIds(native, join(pins.maps, "scope_classes"), {
      first: firstClass,
      limit: classLimit,
    });
    this.#classes = new ScopeClasses(native, scopeIds, maps.cgroup_class, maps.scope_state);
    this.#assignedBefore = this.#classes.assigned();
    this.#followIds = new PinnedIds(native, join(pins.maps, "follow_groups"), {
      first: 0,
      limit: enums.engine_limit.FOLLOW_GROUPS,
    });
    for (const path of options.protectedBinaries) {
      native.update(maps.protected_binaries, binaryKey(path), u32(1));
    }
    writeRate(native, maps.rate_state, options.cgroupRate);
    askOfExecs(native, maps.process_state, options.execAsked ?? 0);
    markOwnTask(native, maps.process);
  }

  features(): KernelFeatures {
    return this.#abilities.kernel;
  }

  /** Reads what the kernel side reports; one reader at a time. */
  openRings(): RingReader {
    return this.#native.openRings(this.#loader.shared.events, this.#loader.shared.posts);
  }

  /** What the kernel could not report or keep so far, by cause. Throws KernelError. */
  losses(): Losses {
    return readLosses(this.#native, this.#loader.shared.losses);
  }

  /** The process records, for the agent's own readers. */
  get maps(): Loader["shared"] {
    return this.#loader.shared;
  }

  /** The hook whose number an event carries, on that entry of its system call; undefined when it is gone. */
  hookOf(number: number, entry: number): HeldHook | undefined {
    return this.#hooks.get(number)?.get(entry);
  }

  stops(sets: ReadonlySet<string>): ReadonlyMap<string, SetStops> {
    return stopsOf(this.#hooks, sets, this.#numbers);
  }

  misses(): readonly MissedCalls[] {
    return readMisses(this.#loader, [...this.#held.values()]);
  }

  program(
    desired: Desired,
    spared?: ReadonlySet<string>,
    before?: readonly NamedSet[],
  ): Promise<Programmed> {
    return this.#serially(() => {
      this.#inForce ??= byName(before ?? []);
      return this.#program(desired, spared);
    });
  }

  assign(scopes: Scopes): Promise<void> {
    return this.#serially(() => this.#assign(scopes));
  }

  hookFiles(roots: readonly FileRoot[]): Promise<readonly UnhookedFile[]> {
    return this.#serially(() => {
      this.#loader.files.containers = roots;
      return hookAllFiles(this.#held.values(), this.#desired?.scopes.host ?? []);
    });
  }

  assignedBefore(): ReadonlySet<bigint> {
    return this.#assignedBefore;
  }

  unassigned(): ReadonlyMap<bigint, string> {
    return this.#unassigned;
  }

  unfollowed(): ReadonlyMap<bigint, Unfollowed> {
    const sets = [...(this.#inForce ?? new Map<string, NamedSet>()).values()];
    return this.#shares.unfollowed(numberFollowGroups(this.#followIds, sets).groups);
  }

  #serially<T>(work: () => T): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  #probe(): Abilities {
    const { native, objects, shared, files } = this.#loader;
    return probeAbilities(native, objects, { shared, allowed: this.#allowed, files });
  }

  #program(desired: Desired, spared: ReadonlySet<string> = new Set()): Programmed {
    if (isUnsure(this.#abilities)) {
      this.#abilities = this.#probe();
    }
    const classes = this.#classes.number(desired.scopes);
    const capacity = capacityFor(classes.length);
    const { sets } = desired;
    const attached = attachAll({ sets, classes, capacity, spared }, this.#attacher());
    const { refused } = attached;
    if (attached.kind === "kept") {
      // Not before the first flip: then these are an earlier agent's.
      if (this.#desired !== undefined) this.#numbers.release(new Set(this.#hooks.keys()));
      const ofSpared = sets.filter(({ name }) => spared.has(name));
      return { kind: "kept", refused: failedStates(ofSpared, refused) };
    }
    const { held } = attached;
    hookAllFiles(held.values(), desired.scopes.host); // before it is in force
    const slot = 1 - this.#state.active;
    const inForce = sets.filter((set) => !refused.has(set.name));
    this.#change((changes) => {
      for (const { program, tables } of held.values()) program.writeSlot(slot, tables, changes);
      this.#binaries.write(slot, numberBinaries(inForce), changes);
    });
    this.#hooks = hooksOf(held.values(), this.#numbers);
    const unentered = this.#classes.enterRoots(desired.scopes);
    this.#state.flip(slot);
    this.#afterFlip(held, slot, inForce, () => this.#assignCgroups(desired.scopes, unentered));
    this.#desired = desired;
    this.#inForce = byName(inForce);
    this.#capacity = capacity;
    if (isGroupFreed(this.#followIds, refused)) return this.#program(desired, spared);
    const states = sets.map((set) => stateOf(set, refused.get(set.name), held.values()));
    return { kind: "programmed", states };
  }

  /** Makes what `collect` adds. What was not made when something fails is given up. */
  #change(collect: (changes: SlotChanges) => void): void {
    const changes = new SlotChanges(this.#native);
    try {
      collect(changes);
      changes.make();
    } finally {
      changes.abandon();
    }
  }

  #attacher(): Attacher {
    return {
      loader: this.#loader,
      abilities: this.#abilities,
      followIds: this.#followIds,
      numbers: this.#numbers,
      held: this.#held,
      inForce: this.#inForce ?? new Map(),
      log: this.#log,
    };
  }

  /** What may only happen once nothing runs on the old slot any more. */
  #afterFlip(
    held: ReadonlyMap<string, Held>,
    slot: number,
    inForce: readonly NamedSet[],
    assignCgroups: () => void,
  ): void {
    this.#state.waitForReaders();
    this.#change((changes) => {
      for (const [name, { program }] of this.#held) {
        if (!held.has(name)) program.detach();
        else program.clearSlot(1 - slot, changes);
      }
      this.#binaries.clear(1 - slot, changes);
    });
    const before = this.#held;
    this.#held = held;
    const names = new Set(held.keys());
    for (const name of this.#loader.pins.pinnedHooks()) {
      if (!names.has(name)) Program.remove(this.#loader, name);
    }
    forgetWaiting(this.#loader, this.#state.generation, { before, held });
    assignCgroups();
    this.#numbers.release(new Set(this.#hooks.keys()));
    if (!inForce.some(({ set }) => followsDescriptors(set)))
      removeFileFree(this.#loader, this.#followIds);
    else freeFollowGroups(this.#loader, this.#followIds, inForce);
    if (!inForce.some(({ set }) => tracksSockets(set))) removeSockFree(this.#loader);
    this.#replaceOtherVersions();
  }

  /** Takes over what programs of other versions follow, and removes them. */
  #replaceOtherVersions(): void {
    const fence = () => this.#state.waitForReaders();
    for (const path of this.#loader.pins.otherVersions()) {
      fence(); // what ran before cgroups had their classes may have let a file be
      if (adoptFollowed(path, { loader: this.#loader, ids: this.#followIds, fence })) {
        removePins(path);
        this.#log.info({ path }, "removed pins of another version");
      } else {
        this.#log.error({ path }, "no room for all files that another version follows: it stays");
      }
    }
  }

  #assign(scopes: Scopes): void {
    if (this.#desired === undefined) throw new Error("assign before the first program");
    const desired: Desired = { ...this.#desired, scopes };
    const classes = this.#classes.number(scopes);
    const hostChanged = scopes.host.join("\n") !== this.#desired.scopes.host.join("\n");
    if (classes.length > this.#capacity || hostChanged) {
      this.#program(desired);
      return;
    }
    for (const { point, tables, program } of this.#held.values()) {
      for (const [number, names] of classes.entries()) {
        if (number > 0) program.writeClassRow(number, classRow(point, tables.words, names));
      }
    }
    this.#assignCgroups(scopes, this.#classes.enterRoots(scopes));
    this.#desired = desired;
  }

  #assignCgroups(scopes: Scopes, unentered: ReadonlyMap<bigint, string>): void {
    this.#unassigned = new Map([...unentered, ...this.#classes.assign(scopes)]);
    this.#classes.collect();
    this.#shares.collect();
  }
}
