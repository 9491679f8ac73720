import { existsSync } from "node:fs";
import { join } from "node:path";
import { layout } from "../gen/layout.ts";
import { bytesOf } from "../layout/struct.ts";
import type { BpfObject, Link, Native } from "./native.ts";
import { u32 } from "./pinned-ids.ts";
import type { Pins } from "./pins.ts";

/** The maps that process.bpf.o makes and every other program reuses. */
const sharedMaps = [
  "engine_state",
  "events",
  "posts",
  "event_shares",
  "event_rates",
  "rate_state",
  "process_state",
  "losses",
  "stops",
  "process",
  "cgroup_class",
  "scope_state",
  "protected_binaries",
  "followed",
  "waiting_events",
  "waiting_large",
  "follow_shares",
  "follow_state",
  "tracked_socks",
  "binaries_exact",
  "binaries_prefix",
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
 * Process tracking: adopted whole where an agent of this version pinned it, else loaded and pinned.
 * Returns file descriptors of the shared maps. Throws KernelError where the kernel refuses.
 */
export function ensureTracking(
  native: Native,
  pins: Pins,
  objects: string,
): { readonly maps: SharedMaps; readonly adopted: boolean } {
  const complete = programs.every((name) => existsSync(join(pins.links, name)));
  if (complete) return { maps: openShared(native, pins), adopted: true };
  const object = native.openObject(join(objects, "process.bpf.o"));
  const links: Link[] = [];
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
      const path = join(pins.links, name);
      if (existsSync(path)) continue;
      object.pinProgram(name, join(pins.programs, name));
      const link = object.attach(name);
      links.push(link);
      link.pin(path);
    }
  } finally {
    for (const link of links) link.close();
    object.close();
  }
  return { maps: openShared(native, pins), adopted: false };
}

/** Has exec events have what `asked` says, enum exec_asked. Throws KernelError. */
export function askOfExecs(native: Native, processState: number, asked: number): void {
  native.update(processState, u32(0), bytesOf(layout.process_state, { asked }));
}

function openShared(native: Native, pins: Pins): SharedMaps {
  const entries = sharedMaps.map((name) => [name, native.openPinnedMap(join(pins.maps, name))]);
  return Object.fromEntries(entries) as SharedMaps;
}
