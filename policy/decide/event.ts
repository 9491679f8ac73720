import type { HookPoint } from "../selector-set.ts";
import type { Given } from "./parameter.ts";

/** One call as a hook sees it, before it runs: all that a decision depends on. */
export type HookCall = Given & {
  readonly on: HookPoint;
  readonly process: Process;
  /** Names of the sets in whose scope the process is; see `inScope`. */
  readonly holds: ReadonlySet<string>;
};

export type Process = {
  /** Of the thread group, in the host's pid namespace. */
  readonly pid: number;
  /** Its parent first. */
  readonly ancestors: readonly number[];
  /** In its own pid namespace; 0: that is the host's. */
  readonly nspid: number;
  /** Pids in that namespace of its ancestors, its parent first, as far as they live in it. */
  readonly nsAncestors: readonly number[];
  /** The executable's path; undefined: not known. */
  readonly binary?: string;
  readonly capabilities: Readonly<Record<"effective" | "permitted" | "inheritable", bigint>>;
  readonly inHostUserNamespace: boolean;
  /** A part of the node itself (kubelet, runtime, agent): never killed or denied. */
  readonly isProtected: boolean;
};
