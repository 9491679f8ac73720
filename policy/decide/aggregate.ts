import type { Outcome } from "./decide.ts";

/** When a window was opened, in seconds, by set, hook, selector and process. */
export type Windows = ReadonlyMap<string, number>;

/**
 * The outcomes of a call that `process` makes at second `at`, those not posted that Aggregate holds
 * back, and the windows after it. `process` says by which entry it makes a system call, too: each has
 * windows of its own. `decide` itself knows no time. What a call does, other than its
 * event, Aggregate leaves as it is.
 */
export function aggregated(
  outcomes: readonly Outcome[],
  windows: Windows,
  { process, at }: { readonly process: number | string; readonly at: number },
): { readonly outcomes: readonly Outcome[]; readonly windows: Windows } {
  const after = new Map(windows);
  const left = outcomes.map((outcome): Outcome => {
    const action = outcome.actions.find((one) => one.action === "Aggregate");
    if (action === undefined || !outcome.posted || outcome.unseen) return outcome;
    const key = [outcome.set, outcome.hook, outcome.selector, process].join("\n");
    const since = windows.get(key);
    if (since !== undefined && at - since < action.window) return { ...outcome, posted: false };
    after.set(key, at);
    return outcome;
  });
  return { outcomes: left, windows: after };
}
