import { type Clock, withDeadline } from "@guardbee/kube";
import type { Logger } from "pino";
import type { PolicyEntry } from "../fleet/objects.ts";

/** For the guard rails of all namespaces together. */
const namespacesMs = 10_000;

/**
 * Prepares guard rails, those of the cluster first. Those of namespaces come in turns, and are left
 * when they take long together: they must not keep anybody from leading. False: some are left.
 */
export async function prepareRails(
  entries: readonly PolicyEntry[],
  parts: {
    readonly prepare: (entry: PolicyEntry, signal: AbortSignal) => Promise<void>;
    readonly clock: Clock;
    readonly log: Logger;
  },
  signal: AbortSignal,
): Promise<boolean> {
  const { prepare, clock, log } = parts;
  const { first, inTurns } = inFairOrder(entries);
  for (const entry of first) await prepare(entry, signal);
  const error = () => new Error(`took over ${namespacesMs} ms`);
  try {
    await withDeadline(clock, { ms: namespacesMs, error }, signal, async (limited) => {
      for (const entry of inTurns) await prepare(entry, limited);
    });
    return true;
  } catch (err) {
    signal.throwIfAborted();
    log.warn({ err }, "guard rails of namespaces are not all ready; they follow");
    return false;
  }
}

/** Those of the cluster, and the others: one of each namespace, then the next of each. */
export function inFairOrder(entries: readonly PolicyEntry[]): {
  readonly first: readonly PolicyEntry[];
  readonly inTurns: readonly PolicyEntry[];
} {
  const seen = new Map<string | undefined, number>();
  const placed = entries.map((entry) => {
    const { namespace } = entry.object.metadata;
    const turn = seen.get(namespace) ?? 0;
    seen.set(namespace, turn + 1);
    return { entry, namespace, turn };
  });
  const namespaced = placed.filter(({ namespace }) => namespace !== undefined);
  return {
    first: placed.filter(({ namespace }) => namespace === undefined).map(({ entry }) => entry),
    inTurns: namespaced.sort((a, b) => a.turn - b.turn).map(({ entry }) => entry),
  };
}
