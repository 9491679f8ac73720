import { join } from "node:path";
import { asksForChanges, followsDescriptors, tracksSockets } from "@guardbee/policy/sets";
import type { Logger } from "pino";
import type {
  Crowding,
  Desired,
  Difference,
  Engine,
  FileRoot,
  KernelFeatures,
  MissedCalls,
  Moves,
  NamedSet,
  Programmed,
  Scopes,
  SetStops,
  Unfollowed,
  UnhookedFile,
} from "../engine.ts";
import { enums } from "../gen/layout.ts";
import { replaceOtherVersions } from "./adopt-followed.ts";
import { type Attacher, attachAll, hookAllFiles } from "./attach-all.ts";
import { Binaries } from "./binaries.ts";
import { Checks, type InForce } from "./checks.ts";
import { ClassRows } from "./class-rows.ts";
import { EngineState } from "./engine-state.ts";
import { type Abilities, type Allowed, isUnsure, probeAbilities } from "./features.ts";
import { FileFree } from "./file-free.ts";
import { freeFollowGroups, isGroupFreed, numberFollowGroups } from "./followed-files.ts";
import { assertOwnObjects } from "./foreign-objects.ts";
import {
  byName,
  failedStates,
  type Held,
  type HeldHook,
  hooksOf,
  statesOf,
  stopsOf,
} from "./held.ts";
import { HookNumbers } from "./hook-numbers.ts";
import { type KernelEngineOptions, nothingAllowed } from "./kernel-engine-options.ts";
import { livingCgroups } from "./living-cgroups.ts";
import { type Loader, openLoader } from "./loader.ts";
import { type Losses, withoutRoom } from "./losses.ts";
import { readMisses } from "./misses.ts";
import { MovePrograms } from "./moves.ts";
import type { Native, RingReader } from "./native.ts";
import { markOwnTask } from "./own-task.ts";
import { PinnedIds } from "./pinned-ids.ts";
import { Pins } from "./pins.ts";
import { Program } from "./program.ts";
import { ProtectedList } from "./protected-list.ts";
import { writeRate } from "./rate.ts";
import { Room } from "./room.ts";
import {
  type Classes,
  capacityFor,
  classLimit,
  firstClass,
  ScopeClasses,
} from "./scope-classes.ts";
import { detachLeaving, endLeaving, fillSlot } from "./slot-contents.ts";
import { SockFree } from "./tracked-sockets.ts";
import { askOfExecs, ensureTracking } from "./tracking.ts";
import { forgetWaiting } from "./waiting.ts";

const noScopes: Scopes = { host: [], unknownPods: [], podRoots: [], cgroups: [] };

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
  readonly #classRows = new ClassRows();
  readonly #followIds: PinnedIds;
  readonly #room: Room;
  readonly #binaries: Binaries;
  readonly #numbers: HookNumbers;
  readonly #fileFree: FileFree;
  readonly #sockFree: SockFree;
  readonly #moves: MovePrograms;
  readonly #checks: Checks;
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
  /** How often what the kernel is to hold was changed. Written by `#program` and `#assign`. */
  #changes = 0;
  /** The last call's end: calls run one after the other. */
  #tail: Promise<unknown> = Promise.resolve();

  /** Adopts what an agent of the same version pinned, or loads process tracking. */
  constructor(options: KernelEngineOptions) {
    const { native, objects, log } = options;
    const pins = new Pins(options.bpffs, objects);
    const { maps, pinned, adopted } = ensureTracking(native, pins, objects);
    this.#native = native;
    this.#log = log;
    this.adopted = adopted;
    this.#loader = openLoader({ ...options, pins, shared: maps });
    assertOwnObjects(this.#loader);
    this.#allowed = options.allowed ?? nothingAllowed;
    this.#abilities = this.#probe();
    this.#state = new EngineState(native, maps.engine_state, options.podFiles);
    this.#binaries = new Binaries(native, maps);
    this.#room = new Room(native, maps);
    this.#numbers = new HookNumbers(native, maps.stops);
    const classes = { first: firstClass, limit: classLimit };
    const scopeIds = new PinnedIds(native, join(pins.maps, "scope_classes"), classes);
    this.#classes = new ScopeClasses(native, scopeIds, maps.cgroup_class, maps.scope_state);
    this.#assignedBefore = this.#classes.assigned();
    this.#followIds = new PinnedIds(native, join(pins.maps, "follow_groups"), {
      first: 0,
      limit: enums.engine_limit.FOLLOW_GROUPS,
    });
    this.#fileFree = new FileFree(this.#loader);
    this.#sockFree = new SockFree(this.#loader);
    this.#moves = new MovePrograms(this.#loader, log);
    const parts = [this.#moves, this.#fileFree, this.#sockFree, this.#loader.waiting];
    const always = [...pinned, scopeIds.pinned(), this.#followIds.pinned()];
    markOwnTask(native, maps.process);
    this.#checks = new Checks({
      ...{ loader: this.#loader, state: this.#state, classes: this.#classes },
      pinned: () => [...always, ...parts.flatMap((part) => part.pinned())],
      ...{ binaries: this.#binaries, numbers: this.#numbers },
      settings: [
        writeRate(native, maps.rate_state, options.cgroupRate),
        askOfExecs(native, maps.process_state, { ...options, ...this.#abilities }),
      ],
      protectedList: new ProtectedList(native, maps.protected_binaries, options.protectedBinaries),
      livingCgroups: () => livingCgroups(options.cgroupRoot ?? "/sys/fs/cgroup"),
    });
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
    return this.#room.losses();
  }

  lost(): ReadonlyMap<string, number> {
    return withoutRoom(this.losses());
  }

  crowding(): Crowding {
    return this.#room.crowding();
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

  moves(): Moves {
    return this.#moves.read();
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
    return this.#room.unfollowed(numberFollowGroups(this.#followIds, sets).groups);
  }

  async check(): Promise<readonly Difference[]> {
    const [changes, inForce] = [this.#changes, this.#whatIsInForce()];
    const changed = await this.#checks.read(inForce);
    return this.#serially(() => {
      // What was read is of the past: the next check reads again.
      const current = changes === this.#changes ? changed : [];
      return this.#checks.repair(current, this.#whatIsInForce());
    });
  }

  #whatIsInForce(): InForce {
    const scopes = this.#desired?.scopes ?? noScopes;
    return { held: this.#held, scopes, unassigned: this.#unassigned };
  }

  #serially<T>(work: () => T): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  #probe(): Abilities {
    return probeAbilities(this.#native, { allowed: this.#allowed, files: this.#loader.files });
  }

  #program(desired: Desired, spared: ReadonlySet<string> = new Set()): Programmed {
    this.#changes++;
    if (isUnsure(this.#abilities)) this.#abilities = this.#probe();
    const classes = this.#classes.number(desired.scopes);
    const capacity = capacityFor(classes.length);
    const { sets } = desired;
    const attached = attachAll({ sets, classes, capacity, spared }, this.#attacher(classes));
    const { refused } = attached;
    if (attached.kind === "kept") {
      // Not before the first flip: then these are an earlier agent's.
      if (this.#desired !== undefined) this.#numbers.release(new Set(this.#hooks.keys()));
      const ofSpared = sets.filter(({ name }) => spared.has(name));
      return { kind: "kept", refused: failedStates(ofSpared, refused) };
    }
    const { held, binaries: ids } = attached;
    hookAllFiles(held.values(), desired.scopes.host); // before it is in force
    const slot = 1 - this.#state.active;
    const inForce = sets.filter((set) => !refused.has(set.name));
    const contents = { held, binaries: this.#binaries, ids };
    fillSlot(this.#native, slot, contents);
    endLeaving(this.#loader, slot, { before: this.#held, held });
    this.#hooks = hooksOf(held.values(), this.#numbers, this.#hooks);
    const unentered = this.#classes.enterRoots(desired.scopes);
    this.#classRows.forget(); // until all of it was done
    this.#state.flip(slot, { notesIdentity: inForce.some(({ set }) => asksForChanges(set)) });
    this.#desired = desired;
    this.#inForce = byName(inForce);
    this.#capacity = capacity;
    this.#afterFlip(held, inForce, {
      fillOther: () => fillSlot(this.#native, 1 - slot, contents),
      assignCgroups: () => this.#assignCgroups(desired.scopes, unentered),
    });
    this.#classRows.wrote(classes);
    if (isGroupFreed(this.#followIds, refused)) return this.#program(desired, spared);
    return { kind: "programmed", states: statesOf(sets, refused, held.values()) };
  }

  #attacher(classes: Classes): Attacher {
    return {
      loader: this.#loader,
      abilities: this.#abilities,
      followIds: this.#followIds,
      fileFree: this.#fileFree,
      sockFree: this.#sockFree,
      numbers: this.#numbers,
      held: this.#held,
      inForce: this.#inForce ?? new Map(),
      moved: this.#classRows.moved(classes),
      log: this.#log,
    };
  }

  /** What may only happen once nothing runs on the old slot any more. */
  #afterFlip(
    held: ReadonlyMap<string, Held>,
    inForce: readonly NamedSet[],
    parts: { readonly fillOther: () => void; readonly assignCgroups: () => void },
  ): void {
    this.#state.waitForReaders();
    const before = this.#held;
    this.#held = held;
    detachLeaving(1 - this.#state.active, { before, held });
    parts.fillOther();
    this.#state.settle();
    for (const name of this.#loader.pins.pinnedHooks()) {
      if (!held.has(name)) Program.remove(this.#loader, name);
    }
    forgetWaiting(this.#loader, this.#state.generation, { before, held });
    parts.assignCgroups();
    this.#numbers.release(new Set(this.#hooks.keys()));
    if (!inForce.some(({ set }) => followsDescriptors(set))) this.#fileFree.remove(this.#followIds);
    else freeFollowGroups(this.#loader, this.#followIds, inForce);
    if (!inForce.some(({ set }) => tracksSockets(set))) this.#sockFree.remove();
    const fence = () => this.#state.waitForReaders();
    replaceOtherVersions({ loader: this.#loader, ids: this.#followIds, fence }, this.#log);
  }

  #assign(scopes: Scopes): void {
    if (this.#desired === undefined) throw new Error("assign before the first program");
    this.#changes++;
    const desired: Desired = { ...this.#desired, scopes };
    const classes = this.#classes.number(scopes);
    const hostChanged = scopes.host.join("\n") !== this.#desired.scopes.host.join("\n");
    if (classes.length > this.#capacity || hostChanged) {
      this.#program(desired);
      return;
    }
    this.#classRows.update(classes, this.#held.values(), this.#state.active);
    this.#assignCgroups(scopes, this.#classes.enterRoots(scopes));
    this.#desired = desired;
  }

  #assignCgroups(scopes: Scopes, unentered: ReadonlyMap<bigint, string>): void {
    this.#unassigned = new Map([...unentered, ...this.#classes.assign(scopes)]);
    this.#classes.collect();
    this.#room.collect();
  }
}
