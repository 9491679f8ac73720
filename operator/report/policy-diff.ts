import type { Problem } from "@guardbee/policy";
import type { Effect, PodChange } from "./pod-diff.ts";
import type { SetDiff } from "./set-diff.ts";

/** What applying one policy of a file would do. */
export type PolicyDiff = {
  readonly policy: string;
  readonly file: string;
  readonly line: number;
} & (
  | { readonly verdict: "refused"; readonly problems: readonly Problem[] }
  | ({
      readonly verdict: "new" | "changed" | "unchanged";
      /** What guard rails would say or do. */
      readonly notes: readonly string[];
      readonly pods: readonly PodChange[];
      /** Nodes, by what would become of their processes outside of pods. */
      readonly hosts: Readonly<Record<Effect, readonly string[]>>;
    } & SetDiff)
);
