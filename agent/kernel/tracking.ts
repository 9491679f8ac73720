import { existsSync } from "node:fs";
import { join } from "node:path";
import { layout } from "../gen/layout.ts";
import { bytesOf } from "../layout/struct.ts";
import type { Expected } from "./expected.ts";
import type { BpfObject, Native } from "./native.ts";
import { arePinned, attachShared, OpenProgram, sharedPaths } from "./open-program.ts";
import type { Pinned } from "./pinned.ts";
import { u32 } from "./pinned-ids.ts";
import type { Pins } from "./pins.ts";

/** The maps that process.bpf.o makes and every other program reuses. */
const sharedMaps = [
  "engine_state",
  "events",
  "posts",
  "posts_state",
  "event_shares",
  "event_rates",
  "rate_state",
  "process_state",
  "move_state",
  "losses",
  "stops",
  "process",
  "identities",
  "notices",
  "cgroup_class",
  "scope_state",
  "protected_binaries",
  "followed",
  "waiting_events",
  "waiting_large",
  "file_hashes",
  "hashing",
  "follow_shares",
  "follow_state",
  "tracked_socks",
  "table_shares",
  "binaries_exact",
  "binaries_prefix",
  "binaries_postfix",
] as const;
export type SharedMaps = Readonly<Record<(typeof sharedMaps)[number], number>>;

/** What an object calls it: a state is a section of variables, as libbpf names those. */
const nameIn = (name: keyof SharedMaps) => (name.endsWith("_state") ? `.data.${name}` : name);

/** Has an object that is not loaded yet use the shared maps. */
export function reuseShared(object: BpfObject, shared: SharedMaps): void {
  for (const name of sharedMaps) object.reuseMap(nameIn(name), shared[name]);
}

const programs = ["process_exec", "process_fork", "process_exit", "cgroup_gone"] as const;

/**
 * Descriptors of the shared maps, and what process tracking has pinned, all of which stays open.
 */
export type Tracking = {
  readonly maps: SharedMaps;
  readonly pinned: readonly Pinned[];
  readonly adopted: boolean;
};

/**
 * Process tracking: adopted whole where an agent of this version pinned it, else loaded and pinned.
 * Throws KernelError where the kernel refuses.
 */
export function ensureTracking(native: Native, pins: Pins, objects: string): Tracking {
  const complete = programs.every((name) => arePinned(sharedPaths(pins, name)));
  if (!complete) loadTracking(native, pins, objects);
  const maps = openShared(native, pins);
  const ofMaps = sharedMaps.map((name) => ({ path: join(pins.maps, name), map: maps[name] }));
  const ofPrograms = programs.flatMap((name) => OpenProgram.shared(native, pins, name).pinned());
  return { maps, pinned: [...ofMaps, ...ofPrograms], adopted: complete };
}

function loadTracking(native: Native, pins: Pins, objects: string): void {
  const object = native.openObject(join(objects, "process.bpf.o"));
  try {
    for (const name of sharedMaps) {
      const path = join(pins.maps, name);
      if (existsSync(path)) object.reuseMap(nameIn(name), native.openPinnedMap(path));
    }
    object.load();
    for (const name of sharedMaps) {
      const path = join(pins.maps, name);
      if (existsSync(path)) continue;
      const fd = object.mapFd(nameIn(name));
      native.pinMap(fd, path);
      native.closeFd(fd);
    }
    for (const name of programs) {
      if (arePinned(sharedPaths(pins, name))) continue;
      attachShared(object, pins, { program: name, pin: name });
    }
  } finally {
    object.close();
  }
}

/**
 * Has exec events have what `execAsked` says, enum exec_asked, and programs look whether an exec was
 * missed where the kernel `preemptsTracepoints`; gives what the map must have then. Throws KernelError.
 */
export function askOfExecs(
  native: Native,
  processState: number,
  asks: { readonly execAsked?: number; readonly preemptsTracepoints: boolean },
): Expected {
  const may_miss = asks.preemptsTracepoints ? 1 : 0;
  const value = bytesOf(layout.process_state, { asked: asks.execAsked ?? 0, may_miss });
  const restore = () => native.update(processState, u32(0), value);
  restore();
  const common = { kind: "state", what: "process_state", map: processState, count: 1 } as const;
  return { ...common, key: u32, value: () => value, restore };
}

function openShared(native: Native, pins: Pins): SharedMaps {
  const entries = sharedMaps.map((name) => [name, native.openPinnedMap(join(pins.maps, name))]);
  return Object.fromEntries(entries) as SharedMaps;
}
