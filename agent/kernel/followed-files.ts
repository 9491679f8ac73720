import { followsDescriptors } from "@guardbee/policy/sets";
import type { NamedSet, Refusal } from "../engine.ts";
import { enums } from "../gen/layout.ts";
import { FollowedTable } from "./followed-table.ts";
import type { Loader } from "./loader.ts";
import type { PinnedIds } from "./pinned-ids.ts";

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
