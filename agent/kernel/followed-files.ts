import { existsSync } from "node:fs";
import { join } from "node:path";
import { followsDescriptors } from "../compile/plan.ts";
import type { NamedSet } from "./engine.ts";
import type { PinnedIds } from "./pinned-ids.ts";
import type { Loader } from "./program.ts";
import { reuseShared } from "./tracking.ts";

/** The group of every set that follows descriptors; a set without a free group is in `full`. */
export type FollowGroups = {
  readonly groups: ReadonlyMap<string, number>;
  readonly full: readonly string[];
};

export function numberFollowGroups(
  loader: Loader,
  ids: PinnedIds,
  sets: readonly NamedSet[],
): FollowGroups {
  const following = sets.filter(followsDescriptors);
  const number = () => following.map((set) => ({ name: set.name, group: ids.ensure(set.name) }));
  let numbered = number();
  if (numbered.some(({ group }) => group === undefined)) {
    retire(loader, ids, new Set(numbered.flatMap(({ group }) => group ?? [])));
    numbered = number();
  }
  const groups = new Map<string, number>();
  for (const { name, group } of numbered) if (group !== undefined) groups.set(name, group);
  return { groups, full: numbered.flatMap(({ name, group }) => (group === undefined ? name : [])) };
}

/** Frees the groups of sets that are gone, after taking their bit off every open file. */
function retire(loader: Loader, ids: PinnedIds, keep: ReadonlySet<number>): void {
  const { native, shared } = loader;
  const mask = [...keep].reduce((bits, group) => bits | (1n << BigInt(group)), 0n);
  const keys = native.keys(shared.followed);
  const value = Buffer.alloc(8);
  for (let at = 0; at < keys.length; at += 8) {
    const key = keys.subarray(at, at + 8);
    if (!native.lookup(shared.followed, key, value)) continue;
    value.writeBigUInt64LE(value.readBigUInt64LE() & mask);
    native.update(shared.followed, key, value, 2);
  }
  ids.release(keep);
}

/**
 * Makes file_free forget closed files while some set follows descriptors; without it the kernel's
 * next file at the same address would be taken for the followed one. Throws KernelError.
 */
export function ensureFileFree(loader: Loader): void {
  const path = join(loader.pins.links, "file_freed");
  if (existsSync(path)) return;
  const object = loader.native.openObject(join(loader.objects, "file_free.bpf.o"));
  try {
    reuseShared(object, loader.shared);
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
  const path = join(loader.pins.links, "file_freed");
  if (!existsSync(path)) return;
  const keys = loader.native.keys(loader.shared.followed);
  for (let at = 0; at < keys.length; at += 8) {
    loader.native.remove(loader.shared.followed, keys.subarray(at, at + 8));
  }
  loader.native.openPinnedLink(path).detach();
  ids.release(new Set());
}
