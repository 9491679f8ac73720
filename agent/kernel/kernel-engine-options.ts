import type { Logger } from "pino";
import type { Allowed } from "./features.ts";
import type { Native } from "./native.ts";
import type { CgroupRate } from "./rate.ts";

/** What an engine is opened with. */
export type KernelEngineOptions = {
  readonly native: Native;
  /** Folder on a bpffs that is ours alone. */
  readonly bpffs: string;
  /** Folder of the compiled *.bpf.o. */
  readonly objects: string;
  /** Executables of the node itself that are never killed or denied below the host's root. */
  readonly protectedBinaries: readonly string[];
  /** Where the node's root folder can be read; default `/`. */
  readonly hostRoot?: string;
  /** Where the cgroup v2 tree is mounted; default `/sys/fs/cgroup`. */
  readonly cgroupRoot?: string;
  /** Absent: it asks nothing of others. */
  readonly allowed?: Allowed;
  /** How many followed files a pod may have open; what opens more is stopped. */
  readonly podFiles: number;
  /** How many events about its processes a pod may have; absent: as many as it likes. */
  readonly cgroupRate?: CgroupRate;
  /** enum exec_asked: what exec events have beside what they always have; default nothing. */
  readonly execAsked?: number;
  readonly log: Logger;
};

/** Of an agent that was told of nobody whom it may ask. */
export const nothingAllowed: Allowed = {
  whyNoRequest: () => "this agent may ask nothing of others",
};
