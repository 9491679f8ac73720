import type { ProcessKey } from "../records/kernel-record.ts";
import type { PodContainer } from "../scope/pod-container.ts";
import type { Image } from "./image.ts";

/** One image of one process. Its one writer is ProcessTree. */
export type Process = {
  readonly key: ProcessKey;
  readonly image: Image;
  /** The forking parent, or on a re-exec the image before; pid 0 is the kernel. */
  readonly parentKey: ProcessKey;
  /** Undefined when the parent is not known. */
  readonly parent: Process | undefined;
  /** Those above its parent, nearest first, down to pid 1 or 2; empty where nobody asked for them. */
  readonly ancestors: readonly Process[];
  /** 1 for itself while it runs, and 1 for each child that runs; with `ancestors` for each descendant. */
  readonly refs: number;
  readonly running: boolean;
  /** Found in /proc: its key's time may be the start of the process in clock ticks. */
  readonly scanned: boolean;
  /** Asked for since the last pass of eviction. */
  readonly used: boolean;
  /** Undefined until it is known, and outside of containers. */
  readonly container: PodContainer | undefined;
};
