import type { Notice } from "../actions/kind.ts";
import type { ProcessFacts } from "../conditions/index.ts";
import type { HookPoint } from "../selector-set.ts";
import type { Given } from "./parameter.ts";

/** One call as a hook sees it, before it runs: all that a decision depends on. */
export type HookCall = Given & {
  readonly on: HookPoint;
  readonly process: Process;
  /** Names of the sets in whose scope the process is, and of workloads of their selectors: see `namesIn`. */
  readonly holds: ReadonlySet<string>;
  /** What it returns when it runs, 64 bits of a register; absent: it does not return. */
  readonly returned?: bigint;
  /** Host's pid of the process that the socket of the call is tracked for; absent: it is not. */
  readonly tracker?: number;
  /** Nobody can wait for what it returns: the node's table is full. */
  readonly waitsNoMore?: true;
  /** What was left for the thread's next call of their enforcers, by set; absent: nothing. */
  readonly notices?: Notices;
  /** No other file can be followed: the node's table, or what its pod may have of it, is full. */
  readonly followsNoMore?: true;
  /**
   * Names of sets that may follow anything which the process has open: it shares its descriptors with
   * a process that has opened what such a set could not follow.
   */
  readonly mayFollow?: ReadonlySet<string>;
};

export type Notices = ReadonlyMap<string, Notice>;

export type Process = ProcessFacts & {
  /** A part of the node itself (kubelet, runtime, agent): never killed or denied. */
  readonly isProtected: boolean;
};
