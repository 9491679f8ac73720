/** What the agent is asked to tell of processes; flags of upstream's names and defaults. */
export type ProcessOptions = {
  /** How many images are kept. */
  readonly processCacheSize: number;
  /** How long an image that ended stays known, in milliseconds. */
  readonly processCacheGcInterval: number;
  /** `unix`: events have the names of the host's users. */
  readonly usernameMetadata: "disabled" | "unix";
  /** Which events have the ancestors of their process. */
  readonly enableAncestors: readonly AncestorFamily[];
  /** Execs, and all that comes of them, have credentials, capabilities, and what their program changed. */
  readonly enableProcessCred: boolean;
  readonly enableProcessNs: boolean;
  readonly enableProcessEnvironmentVariables: boolean;
  /** Names of those that are shown; empty: all. */
  readonly filterEnvironmentVariables: readonly string[];
};

/** Kinds of events, as `--enable-ancestors` names them; `base` is exec and exit. */
export const ancestorFamilies = [
  ...(["base", "kprobe", "tracepoint", "loader", "uprobe", "lsm", "usdt"] as const),
] as const;
export type AncestorFamily = (typeof ancestorFamilies)[number];
