import type { BinaryForm } from "@guardbee/policy/sets";
import type { PlannedHook } from "./plan.ts";

/**
 * Ids from 1 of what executables are compared with, byte strings (latin1), by how they are; what they are
 * to end with begins with its last byte.
 */
export type BinaryIds = Readonly<Record<BinaryForm, ReadonlyMap<string, number>>>;

/** What every attach point shares: numbers for executables and for the policies that follow. */
export type Shared = {
  /** What events of a hook carry, and its stops are counted under. */
  readonly hookNumber: (planned: PlannedHook) => number;
  readonly binaries: BinaryIds;
  /** Set name → which of the 64 follow groups is its own. */
  readonly followGroups: ReadonlyMap<string, number>;
  /** By scope class number: the names of the sets that hold there. Class 0 is the host's. */
  readonly classes: readonly ReadonlySet<string>[];
  /** Rows kept for classes, so that one can be added without a flip. */
  readonly classCapacity: number;
};
