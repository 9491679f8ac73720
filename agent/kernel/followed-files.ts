import { existsSync } from "node:fs";
import { join } from "node:path";
import { followsDescriptors } from "@guardbee/policy/sets";
import type { NamedSet, Refusal } from "../engine.ts";
import { enums, layout } from "../gen/layout.ts";
import { bytesOf } from "../layout/struct.ts";
import { FollowedTable, openFileFree } from "./followed-table.ts";
import type { Native } from "./native.ts";
import { type PinnedIds, u32 } from "./pinned-ids.ts";
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

/**
 * Makes file_free forget closed files while some set follows descriptors; without it the kernel's
 * next file at the same address would be taken for the followed one. Throws KernelError.
 */
export function ensureFileFree(loader: Loader): void {
  const path = join(loader.pins.links, "file_freed");
  if (existsSync(path)) return;
  const object = openFileFree(loader);
  try {
    object.load();
    const link = object.attach("file_freed");
    link.pin(path);
    link.close();
  } finally {
    object.close();
  }
}

/** Nobody follows any more: forgets every file, then stops listening for closed ones. */
export function removeFileFree(loader: Loader, ids: PinnedIds): void {
  const { native, pins, shared } = loader;
  const path = join(pins.links, "file_freed");
  if (existsSync(path)) {
    removeAll(native, shared.followed);
    native.openPinnedLink(path).detach();
    removeAll(native, shared.follow_shares);
    native.update(shared.follow_state, u32(0), bytesOf(layout.follow_state, {}));
  }
  ids.release(new Set());
}

function removeAll(native: Native, map: number): void {
  const keys = native.keys(map);
  for (let at = 0; at < keys.length; at += 8) native.remove(map, keys.subarray(at, at + 8));
}
