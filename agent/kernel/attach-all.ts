import { tracksSockets } from "@guardbee/policy/sets";
import type { Logger } from "pino";
import type { AttachAbilities } from "../attach/index.ts";
import { misfits } from "../compile/misfits.ts";
import { type AttachPoint, describePoint } from "../compile/plan.ts";
import { namespaceOf, planInRoom } from "../compile/room.ts";
import type { BinaryIds, Shared } from "../compile/shared.ts";
import { compile } from "../compile/tables.ts";
import type { NamedSet, Refusal, UnhookedFile } from "../engine.ts";
import { enums } from "../gen/layout.ts";
import { numberBinaries } from "./binaries.ts";
import type { FileFree } from "./file-free.ts";
import { noGroup, numberFollowGroups } from "./followed-files.ts";
import { type Held, tooManyVersions } from "./held.ts";
import type { HookNumbers } from "./hook-numbers.ts";
import { KnownTables } from "./known-tables.ts";
import type { Loader } from "./loader.ts";
import type { PinnedIds } from "./pinned-ids.ts";
import { Program, programName } from "./program.ts";
import { refusalOf, refusalOn } from "./refusal-of.ts";
import type { Classes } from "./scope-classes.ts";
import type { SockFree } from "./tracked-sockets.ts";

/** What is to be attached. `spared`: as in Engine.program. */
export type Wanted = {
  readonly sets: readonly NamedSet[];
  readonly classes: Classes;
  /** How many classes there is room for. */
  readonly capacity: number;
  readonly spared: ReadonlySet<string>;
};

/** What attaching needs of the engine; none of it is changed but by giving out numbers. */
export type Attacher = {
  readonly loader: Loader;
  readonly abilities: AttachAbilities;
  readonly followIds: PinnedIds;
  readonly fileFree: FileFree;
  readonly sockFree: SockFree;
  readonly numbers: HookNumbers;
  /** Attach points in force by program name. */
  readonly held: ReadonlyMap<string, Held>;
  /** The sets in force, by name. */
  readonly inForce: ReadonlyMap<string, NamedSet>;
  /** Sets that hold in other scope classes than in the tables in force; undefined: it may be any. */
  readonly moved: ReadonlySet<string> | undefined;
  readonly log: Logger;
};

/** By set name. */
export type Refusals = ReadonlyMap<string, Refusal>;

/** `kept`: a spared set is refused, so that what is in force stays. */
export type AttachedAll =
  | {
      readonly kind: "attached";
      readonly held: ReadonlyMap<string, Held>;
      readonly binaries: BinaryIds;
      readonly refused: Refusals;
    }
  | { readonly kind: "kept"; readonly refused: Refusals };

/** One try to attach everything. Unless `done`, the next one goes without the sets that are refused. */
type Try = {
  /** What all attach points share, where all is done. */
  readonly done: Shared | undefined;
  /** What was attached, by program name. */
  readonly held: ReadonlyMap<string, Held>;
  readonly refused: Refusals;
};

/**
 * Loads and attaches what the sets need, leaving out sets until all that are left succeed. Once a
 * spared one is among those left out it gives up: what it has pinned by then the next call adopts or
 * removes. What there is no room for is settled anew in each try: what is left out makes room.
 */
export function attachAll(wanted: Wanted, attacher: Attacher): AttachedAll {
  const refused = new Map<string, Refusal>();
  /** By name: what one try has opened the next one uses. */
  const opened = new Map<string, Program>();
  for (;;) {
    const last = tryAll(wanted, attacher, { refused, opened });
    for (const [name, refusal] of last.refused) refused.set(name, refusal);
    for (const [name, { program }] of last.held) {
      if (!attacher.held.has(name)) opened.set(name, program);
    }
    if ([...refused.keys()].some((name) => wanted.spared.has(name))) {
      for (const program of opened.values()) program.close();
      return { kind: "kept", refused };
    }
    if (last.done === undefined) continue;
    // Their pins go after the flip: one of them may still be in force for an earlier agent.
    for (const [name, program] of opened) if (!last.held.has(name)) program.close();
    return { kind: "attached", held: last.held, binaries: last.done.binaries, refused };
  }
}

type Before = { readonly refused: Refusals; readonly opened: ReadonlyMap<string, Program> };

function tryAll(wanted: Wanted, attacher: Attacher, before: Before): Try {
  const later = new Set(
    [...before.refused].flatMap(([name, why]) => (why === noGroup ? name : [])),
  );
  const sets = wanted.sets.filter(({ name }) => !before.refused.has(name) || later.has(name));
  const planned = planInRoom(sets, attacher.inForce, attacher.abilities, later);
  const held = new Map<string, Held>();
  if (planned.refused.size > 0) return { done: undefined, held, refused: planned.refused };
  const { shared, refused } = share(planned.fitting, wanted, attacher);
  if (refused.size > 0) return { done: undefined, held, refused };
  const known = new KnownTables(attacher.held.values(), shared, attacher.moved);
  for (const point of planned.points) {
    const loaded = loadPoint(point, shared, { attacher, known, opened: before.opened });
    if (loaded.kind === "refused") return { done: undefined, held, refused: loaded.refused };
    held.set(loaded.held.program.name, loaded.held);
  }
  return { done: shared, held, refused: planned.crowded };
}

/** The numbers that the tables of all attach points share, and the sets that there is none for. */
function share(
  sets: readonly NamedSet[],
  { classes, capacity }: Wanted,
  { abilities, fileFree, sockFree, followIds, numbers }: Attacher,
): { readonly shared: Shared; readonly refused: Refusals } {
  const refused = new Map<string, Refusal>();
  const { groups, full } = numberFollowGroups(followIds, sets);
  for (const name of full) refused.set(name, noGroup);
  if (groups.size > 0) {
    try {
      fileFree.ensure(abilities.preempts);
    } catch (error) {
      for (const name of groups.keys()) refused.set(name, refusalOf(error));
    }
  }
  const tracking = sets.filter(({ set }) => tracksSockets(set));
  if (tracking.length > 0) {
    try {
      sockFree.ensure(abilities.preempts && abilities.features.kprobe === true);
    } catch (error) {
      for (const { name } of tracking) refused.set(name, refusalOf(error));
    }
  }
  for (const set of sets) if (!numbers.ensure(set)) refused.set(set.name, tooManyVersions);
  const shared: Shared = {
    hookNumber: (planned) => numbers.of(planned),
    ...{ binaries: numberBinaries(sets), followGroups: groups },
    ...{ classes, classCapacity: capacity },
  };
  return { shared, refused };
}

type Loaded =
  | { readonly kind: "loaded"; readonly held: Held }
  | { readonly kind: "refused"; readonly refused: Refusals };

/** One point attached, or the sets that are left out because of it. */
function loadPoint(
  point: AttachPoint,
  shared: Shared,
  {
    attacher,
    known,
    opened,
  }: {
    readonly attacher: Attacher;
    readonly known: KnownTables;
    readonly opened: Before["opened"];
  },
): Loaded {
  const held = known.of(point);
  if (held !== undefined) return { kind: "loaded", held };
  try {
    const tables = compile(point, shared);
    const name = programName(point, tables.spec);
    const program =
      attacher.held.get(name)?.program ??
      opened.get(name) ??
      Program.ensure(attacher.loader, point, { tables, onNode: isOnNode(point, shared.classes) });
    return { kind: "loaded", held: { point, tables, program, shared } };
  } catch (error) {
    const names =
      error instanceof RangeError ? beyondLimits(point, shared) : added(point, attacher.inForce);
    const fields = { attach: describePoint(point), sets: names, err: error };
    attacher.log.warn(fields, "sets refused on an attach point");
    const refusal = refusalOn(point, names, error);
    return { kind: "refused", refused: new Map(names.map((name) => [name, refusal])) };
  }
}

/** Attaches what of `held` hooks programs' files, where some are; `host`: the sets that hold on the node. */
export function hookAllFiles(
  held: Iterable<Held>,
  host: readonly string[],
): readonly UnhookedFile[] {
  const classes = [new Set(host)];
  return [...held].flatMap(({ point, program }) =>
    point.file === undefined ? [] : program.hookFiles(point, isOnNode(point, classes)),
  );
}

/** Whether some set of `point` holds on the node, and not in containers alone. */
function isOnNode({ hooks }: AttachPoint, classes: Classes): boolean {
  return hooks.some(({ set }) => classes[enums.scope_class.SCOPE_HOST]?.has(set.name));
}

/** The sets that cannot be compiled for a reason of their own: there is room for all of `point`. */
function beyondLimits(point: AttachPoint, shared: Shared): readonly string[] {
  const names = [...new Set(point.hooks.map(({ set }) => set.name))];
  return misfits(names, (some) => {
    const hooks = point.hooks.filter(({ set }) => some.has(set.name));
    compile({ ...point, hooks }, shared);
  });
}

/**
 * Sets of `point` that were not in force as they are now, only those of namespaces where there are
 * some: a cluster policy is not given up for them. All sets when none is new.
 */
function added(point: AttachPoint, inForce: Attacher["inForce"]): readonly string[] {
  const sets = [...new Set(point.hooks.map(({ set }) => set))];
  const fresh = sets.filter(({ name, hash }) => inForce.get(name)?.hash !== hash);
  const namespaced = fresh.filter((set) => namespaceOf(set) !== "");
  return [namespaced, fresh, sets].find((some) => some.length > 0)!.map(({ name }) => name);
}
