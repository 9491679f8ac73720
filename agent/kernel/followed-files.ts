import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { followsDescriptors } from "@guardbee/policy/sets";
import type { NamedSet, Refusal } from "../engine.ts";
import { enums, layout } from "../gen/layout.ts";
import { bytesOf } from "../layout/struct.ts";
import { FollowedTable, openFileFree } from "./followed-table.ts";
import type { BpfObject, Native } from "./native.ts";
import { type PinnedIds, u32 } from "./pinned-ids.ts";
import { removePins } from "./pins.ts";
import type { Loader } from "./program.ts";

/** The group of every set that follows descriptors; a set without a free group is in `full`. */
export type FollowGroups = {
  readonly groups: ReadonlyMap<string, number>;
  readonly full: readonly string[];
};

/** There is room, and it is free as soon as policies that give way are out of force. */
export const noGroup: Refusal = {
  reason: "NoRoom",
  message: `all ${enums.engine_limit.FOLLOW_GROUPS} groups of followed files are of policies still in force; wait for the next try`,
  mayPass: true,
};

export function numberFollowGroups(ids: PinnedIds, sets: readonly NamedSet[]): FollowGroups {
  const following = sets.filter(({ set }) => followsDescriptors(set));
  const numbered = following.map((set) => ({ name: set.name, group: ids.ensure(set.name) }));
  const groups = new Map<string, number>();
  for (const { name, group } of numbered) if (group !== undefined) groups.set(name, group);
  return { groups, full: numbered.flatMap(({ name, group }) => (group === undefined ? name : [])) };
}

/**
 * Where all groups are taken, frees those of sets that are out of force, after taking their bit off
 * every open file. Not before the flip: until then their programs still set it.
 */
export function freeFollowGroups(
  loader: Loader,
  ids: PinnedIds,
  inForce: readonly NamedSet[],
): void {
  if (ids.numbers().length < enums.engine_limit.FOLLOW_GROUPS) return;
  const { groups } = numberFollowGroups(ids, inForce);
  const mask = [...groups.values()].reduce((bits, group) => bits | (1n << BigInt(group)), 0n);
  FollowedTable.with(loader, (table) => table.keep(mask));
  ids.release(new Set(groups.values()));
}

/** Whether a set was left out that would now have a group: others have left theirs with the flip. */
export function isGroupFreed(ids: PinnedIds, refused: ReadonlyMap<string, Refusal>): boolean {
  return (
    ids.numbers().length < enums.engine_limit.FOLLOW_GROUPS &&
    [...refused.values()].includes(noGroup)
  );
}

/** By what file_free can be attached: the pin of each, its object, and how. */
const ways = {
  fentry: {
    ...{ pin: "file_freed", object: "file_free.bpf.o" },
    attach: (object: BpfObject) => object.attach("file_freed"),
  },
  kprobe: {
    ...{ pin: "file_freed_kprobe", object: "file_free_kprobe.bpf.o" },
    attach: (object: BpfObject) => {
      return object.attachKprobe("file_freed", "security_file_free", { ret: false });
    },
  },
} as const;

/**
 * Makes file_free forget closed files while some set follows descriptors; without it the kernel's
 * next file at the same address would be taken for the followed one. A kernel that `preempts` skips
 * programs on trampolines, so that it takes a kprobe. Throws KernelError.
 */
export function ensureFileFree(loader: Loader, preempts: boolean): void {
  const way = preempts ? ways.kprobe : ways.fentry;
  const path = join(loader.pins.links, way.pin);
  if (existsSync(path)) return;
  const object = openFileFree(loader, way.object);
  try {
    object.load();
    object.pinProgram("file_freed", join(loader.pins.programs, way.pin));
    const link = way.attach(object);
    link.pin(path);
    link.close();
  } finally {
    object.close();
  }
}

/** Where file_free is pinned now. */
export function fileFreePins({ pins }: Loader): readonly string[] {
  return Object.values(ways)
    .map(({ pin }) => join(pins.links, pin))
    .filter((path) => existsSync(path));
}

/** Nobody follows any more: forgets every file, then stops listening for closed ones. */
export function removeFileFree(loader: Loader, ids: PinnedIds): void {
  const { native, pins, shared } = loader;
  const paths = fileFreePins(loader);
  if (paths.length > 0) removeAll(native, shared.followed);
  for (const path of paths) {
    native.openPinnedLink(path).detach();
    removePins(join(pins.programs, basename(path)));
  }
  if (paths.length > 0) {
    removeAll(native, shared.follow_shares);
    native.update(shared.follow_state, u32(0), bytesOf(layout.follow_state, {}));
  }
  ids.release(new Set());
}

function removeAll(native: Native, map: number): void {
  const keys = native.keys(map);
  for (let at = 0; at < keys.length; at += 8) native.remove(map, keys.subarray(at, at + 8));
}
