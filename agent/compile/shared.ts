import type { PlannedHook } from "./plan.ts";

/** What every attach point shares: numbers for executables and for the policies that follow. */
export type Shared = {
  /** What events of a hook carry, and its stops are counted under. */
  readonly hookNumber: (planned: PlannedHook) => number;
  /** Executable path → id from 1, for In; the same for Prefix. Values are byte strings (latin1). */
  readonly binaryExact: ReadonlyMap<string, number>;
  readonly binaryPrefix: ReadonlyMap<string, number>;
  /** Set name → which of the 64 follow groups is its own. */
  readonly followGroups: ReadonlyMap<string, number>;
  /** By scope class number: the names of the sets that hold there. Class 0 is the host's. */
  readonly classes: readonly ReadonlySet<string>[];
  /** Rows kept for classes, so that one can be added without a flip. */
  readonly classCapacity: number;
};
